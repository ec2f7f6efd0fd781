# Whoever has locked himself out gets back in by waiting.
{
  name = "regen-lockout";

  nodes.machine =
    { nodes, ... }:
    {
      services.openssh.enable = true;
      system.extraDependencies = [ nodes.locked.system.build.toplevel ];
    };
  # The probes pass in it, and nobody can reach it.
  nodes.locked = { };

  testScript =
    { nodes, ... }:
    builtins.readFile ./begin.py
    + ''
      locked = "${nodes.locked.system.build.toplevel}"
      machine.wait_for_unit("sshd.service")

      with subtest("nobody confirms: the system before it runs again"):
          machine.fail(f"regen switch {locked} --confirm-within 30s")
          assert good == machine.succeed("readlink -f /run/current-system").strip()
          assert good == machine.succeed(f"readlink -f {profile}").strip()
          machine.wait_for_open_port(22)

      with subtest("somebody confirms: it stays"):
          machine.execute(f"regen switch {locked} --confirm-within 5m >&2 &")
          machine.wait_until_succeeds("regen confirm", timeout=120)
          machine.wait_until_succeeds(
              f"test $(readlink -f {profile}) = {locked}", timeout=120
          )
    '';
}

# Where it is asked for, a switch to a quarantined system is refused, and the override works.
{
  name = "regen-quarantine";

  nodes.machine =
    { nodes, ... }:
    {
      system.extraDependencies = [ nodes.bad.system.build.toplevel ];
    };
  nodes.bad = {
    services.regen.refuseQuarantined = true;
    services.nginx.virtualHosts.localhost.locations."/".return = "500 'ill'";
  };

  testScript =
    { nodes, ... }:
    builtins.readFile ./begin.py
    + ''
      bad = "${nodes.bad.system.build.toplevel}"

      with subtest("what fails is left, and quarantined"):
          machine.wait_until_succeeds("test -e /nix/var/nix/profiles/system-profiles/last-known-good", timeout=120)
          machine.execute(f"{bad}/bin/switch-to-configuration test")
          machine.wait_until_succeeds(f"test $(readlink -f /run/current-system) = {good}", timeout=300)
          machine.wait_until_fails(f"regen vet {bad} /var/lib/regen", timeout=60)

      with subtest("nobody switches to it by mistake"):
          (status, output) = machine.execute(f"{bad}/bin/switch-to-configuration test 2>&1")
          assert status == 1, output
          assert "is quarantined" in output and "NIXOS_NO_CHECK=1" in output, output
          assert good == machine.succeed("readlink -f /run/current-system").strip()

      with subtest("a Regen that cannot be asked stops nobody"):
          machine.succeed("mv /var/lib/regen/ledger /var/lib/regen/away")
          (status, output) = machine.execute(f"{bad}/bin/switch-to-configuration check 2>&1")
          assert status == 0, output
          assert "the switch goes on" in output, output
    '';
}

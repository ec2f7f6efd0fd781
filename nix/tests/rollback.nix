# A generation in which nginx answers wrongly is left again, and not gone back to.
{
  name = "regen-rollback";

  nodes.machine =
    { nodes, ... }:
    {
      system.extraDependencies = [ nodes.bad.system.build.toplevel ];
    };
  # Never started: only its system is wanted.
  nodes.bad = {
    services.nginx.virtualHosts.localhost.locations."/".return = "500 'ill'";
  };

  testScript =
    { nodes, ... }:
    builtins.readFile ./begin.py
    + ''
      bad = "${nodes.bad.system.build.toplevel}"

      machine.wait_until_succeeds("test -e /nix/var/nix/profiles/system-profiles/last-known-good", timeout=120)

      with subtest("the bad generation is left by itself"):
          machine.succeed(f"nix-env --profile {profile} --set {bad}")
          machine.execute(f"{bad}/bin/switch-to-configuration switch")
          machine.wait_until_succeeds(f"test $(readlink -f /run/current-system) = {good}", timeout=300)
          machine.wait_until_succeeds("regen status && curl --silent --fail http://127.0.0.1/", timeout=60)
          assert good == machine.succeed(f"readlink -f {profile}").strip()

      with subtest("why is on record"):
          machine.succeed("regen ledger show --number 500 | grep 'quarantine.add'")
          incident = machine.succeed(
              "regen ledger show --number 500 --json"
              " | jq --raw-output 'select(.ev == \"quarantine.add\") | .incident' | tail --lines=1"
          ).strip()
          machine.succeed(f"regen explain {incident}")

      with subtest("what was left is known"):
          machine.fail(f"regen vet {bad} /var/lib/regen")
          machine.succeed(f"regen vet {good} /var/lib/regen")
    '';
}

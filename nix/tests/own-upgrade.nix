# Another Regen, and another unit: it takes over after the switch, and no service notices.
{
  name = "regen-own-upgrade";

  nodes.machine =
    { nodes, ... }:
    {
      system.extraDependencies = [ nodes.next.system.build.toplevel ];
    };
  nodes.next =
    { lib, pkgs, ... }:
    {
      # The same programs at another path, and a unit that is not shut in.
      services.regen.package = lib.mkForce (
        pkgs.symlinkJoin {
          name = "regen-next";
          paths = [ (pkgs.callPackage ../package.nix { }) ];
        }
      );
      services.regen.hardened = false;
    };

  testScript =
    { nodes, ... }:
    ''
      machine.start()
      machine.wait_for_unit("regen.service")
      machine.wait_until_succeeds("regen status")
      regend = machine.succeed("systemctl show --property=MainPID --value regen").strip()
      nginx = machine.succeed("systemctl show --property=MainPID --value nginx").strip()

      with subtest("a switch that changes nothing of it restarts nothing"):
          machine.succeed("/run/current-system/bin/switch-to-configuration test")
          machine.succeed("systemctl start --wait regen-renew")
          assert regend == machine.succeed("systemctl show --property=MainPID --value regen").strip()

      with subtest("the new one takes over once the switch is over"):
          machine.succeed("${nodes.next.system.build.toplevel}/bin/switch-to-configuration test")
          machine.wait_until_succeeds(
              f"pid=$(systemctl show --property=MainPID --value regen); test $pid != 0; test $pid != {regend}"
          )
          machine.wait_until_succeeds("regen status")
          machine.succeed("systemctl show --property=ProtectSystem --value regen | grep --quiet no")

      with subtest("services keep their processes, and the ledger goes on"):
          assert nginx == machine.succeed("systemctl show --property=MainPID --value nginx").strip()
          machine.succeed("regen ledger verify")
    '';
}

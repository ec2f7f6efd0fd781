# A Regen that hangs: the hardware resets the machine, and the next boot says so.
{
  name = "regen-watchdog";

  nodes.machine =
    { lib, ... }:
    {
      virtualisation.qemu.options = [
        "-device i6300esb"
        "-action watchdog=reset"
      ];
      boot.kernelModules = [ "i6300esb" ];
      services.regen.settings.watchdog.timeout = "30s";
      # Otherwise systemd would be quicker.
      systemd.services.regen.serviceConfig.WatchdogSec = lib.mkForce 0;
    };

  testScript = ''
    # Without this QEMU would end where it should reset.
    machine.start(allow_reboot=True)
    machine.wait_for_unit("regen.service")
    machine.wait_until_succeeds("regen status")
    machine.wait_until_succeeds("regen ledger show --number 200 | grep watchdog.open")

    with subtest("a stop of Regen resets nothing"):
        boot = machine.succeed("cat /proc/sys/kernel/random/boot_id")
        machine.succeed("systemctl stop regen")
        machine.sleep(70)
        assert boot == machine.succeed("cat /proc/sys/kernel/random/boot_id")
        machine.succeed("systemctl start regen")
        machine.wait_until_succeeds("regen ledger show --number 50 | grep watchdog.open")

    with subtest("a Regen that hangs is reset with the machine"):
        machine.succeed("sync")
        machine.succeed("systemctl kill --kill-whom=main --signal=STOP regen")
        # The shell of the next boot is what is waited for.
        machine.connected = False
        machine.wait_for_unit("regen.service")
        assert boot != machine.succeed("cat /proc/sys/kernel/random/boot_id")
        machine.wait_until_succeeds(
            "regen ledger show --number 500 --json"
            " | jq --raw-output 'select(.ev == \"boot\") | .cause' | tail --lines=1 | grep watchdog"
        )
  '';
}

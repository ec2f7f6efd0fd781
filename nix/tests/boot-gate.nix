# A boot counts as good when Regen says so.
{
  name = "regen-boot-gate";

  nodes.machine = {
    virtualisation.useBootLoader = true;
    virtualisation.useEFIBoot = true;
    boot.loader.timeout = 1;
    boot.loader.systemd-boot.enable = true;
    boot.loader.systemd-boot.bootCounting.enable = true;
    services.regen.services.nginx.critical = true;
  };

  testScript = ''
    machine.start()
    machine.wait_for_unit("regen-boot-check.service")
    machine.wait_for_unit("boot-complete.target")

    with subtest("the verdict is on record"):
        machine.wait_until_succeeds("regen ledger show --number 200 | grep boot.check")
        machine.succeed("regen boot-check --wait 1m")

    with subtest("the entry has lost its counter"):
        machine.wait_for_unit("systemd-bless-boot.service")
        machine.succeed("ls /boot/loader/entries > /tmp/entries && grep conf /tmp/entries")
        machine.fail("grep --fixed-strings + /tmp/entries")
  '';
}

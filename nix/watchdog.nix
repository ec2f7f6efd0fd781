# The hardware watchdog, and the boot gate.
{
  config,
  lib,
  options,
  ...
}:
let
  inherit (lib) mkOption types;
  regen = config.services.regen;
  cfg = regen.settings.watchdog;
  gate = regen.bootGate;
  inherit (import ./types.nix { inherit lib; }) duration;

  # The option moved in 25.11.
  manager =
    if options.systemd ? settings then
      config.systemd.settings.Manager
    else
      {
        RuntimeWatchdogSec = config.systemd.watchdog.runtimeTime;
        WatchdogDevice = config.systemd.watchdog.device;
      };
  isFedBySystemd =
    !(lib.elem (manager.RuntimeWatchdogSec or null) [
      null
      0
      "0"
      "0s"
      "off"
      "infinity"
    ]);
  # Both names are those of the first device.
  first = device: if device == "/dev/watchdog" then "/dev/watchdog0" else device;
  systemdsDevice =
    let
      device = manager.WatchdogDevice or null;
    in
    first (if device == null then "/dev/watchdog0" else device);
  ours = map first (if cfg.device == null then [ "/dev/watchdog0" ] else lib.toList cfg.device);

  counting = config.boot.loader.systemd-boot.bootCounting or { };
  isCounting = config.boot.loader.systemd-boot.enable && counting.enable or false;
in
{
  options.services.regen.bootGate = {
    enable = mkOption {
      type = types.bool;
      default = isCounting;
      defaultText = lib.literalExpression "config.boot.loader.systemd-boot.bootCounting.enable";
      description = ''
        Whether a boot counts as good only when Regen says so (`regen boot-check`, before `boot-complete.target`). It says no
        only to a generation that is not known good yet, for services that were healthy before, and once for a generation.
      '';
    };
    reboot = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether a boot that fails is given up at once. Only where the boot loader counts boots, and with
        {option}`boot.loader.systemd-boot.bootCounting.tries` at 1, does it then boot another generation.
      '';
    };
    wait = mkOption {
      type = duration;
      default = "5m";
      description = "So long it waits for Regen, and as long again for services.";
    };
  };

  config = lib.mkIf regen.enable {
    assertions = [
      {
        assertion = cfg != null && !(cfg.test or null == true) -> !(isFedBySystemd && lib.elem systemdsDevice ours);
        message = ''
          services.regen.settings.watchdog: systemd feeds ${systemdsDevice} itself (RuntimeWatchdogSec), and a device has one
          owner. Take the watchdog out of systemd's settings, give Regen another services.regen.settings.watchdog.device, or
          leave the key out: systemd then watches Regen, and the hardware systemd.'';
      }
      {
        assertion = cfg != null -> !(config.services.watchdogd.enable or false);
        message = "services.regen.settings.watchdog: services.watchdogd.enable is set as well, and a device has one owner.";
      }
      {
        assertion = isCounting -> gate.enable;
        message = ''
          services.regen.bootGate.enable: boot.loader.systemd-boot.bootCounting.enable is set, and without a gate each boot
          counts as good that reaches its end, whether services work or not. Leave bootGate.enable at its default.'';
      }
      {
        assertion = gate.enable && gate.reboot -> isCounting && counting.tries or 0 == 1;
        message = ''
          services.regen.bootGate.reboot: a failed boot would be followed by another one of the same generation, which counts as
          good. Set boot.loader.systemd-boot.bootCounting = { enable = true; tries = 1; }; or leave reboot out.'';
      }
    ];

    systemd.services.regen-boot-check = lib.mkIf gate.enable {
      description = "Regen, whether this boot may count as a good one";
      wants = [ "regen.service" ];
      after = [ "regen.service" ];
      before = [ "boot-complete.target" ];
      requiredBy = [ "boot-complete.target" ];
      # A switch is no boot.
      restartIfChanged = false;
      unitConfig = lib.mkIf gate.reboot { FailureAction = "reboot"; };
      environment.SWIFT_BACKTRACE = "enable=no";
      serviceConfig = {
        Type = "oneshot";
        RemainAfterExit = true;
        ExecStart = "${regen.package}/bin/regen boot-check --wait ${gate.wait} --runtime-directory ${regen.settings.runtime_directory}";
        TimeoutStartSec = "infinity";
        # Only 1 is a verdict. A program that is missing or crashes must not be what reboots the machine.
        SuccessExitStatus = "2 126 127 200 203 SIGABRT SIGBUS SIGFPE SIGILL SIGKILL SIGSEGV SIGSYS SIGTRAP";
        SyslogIdentifier = "regen-boot-check";
      };
    };
  };
}

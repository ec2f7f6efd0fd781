# services.regen.upgrade: system.autoUpgrade, but the new system is on trial until the probes pass.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.services.regen.upgrade;
  regen = config.services.regen;
  inherit (import ./types.nix { inherit lib; }) isSwitching;
in
{
  options.services.regen.upgrade = {
    enable = lib.mkEnableOption ''
      upgrades that undo themselves: built, put on trial by `regen switch`, made the boot default when the probes pass, and
      left again when they do not. In place of {option}`system.autoUpgrade`'';

    flake = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "github:you/machines";
      description = "The flake that has this machine's configuration. Without, channels are upgraded.";
    };

    flags = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [
        "--override-input"
        "nixpkgs"
        "github:NixOS/nixpkgs/nixos-26.11"
      ];
      description = "More arguments for {command}`nixos-rebuild build`.";
    };

    dates = mkOption {
      type = types.str;
      default = "04:40";
      description = "When, as in {manpage}`systemd.time(7)`.";
    };

    randomizedDelaySec = mkOption {
      type = types.str;
      default = "0";
      example = "45min";
      description = "A delay by chance before each upgrade, at most so long.";
    };

    persistent = mkOption {
      type = types.bool;
      default = true;
      description = "Whether an upgrade that was missed while the machine was off is made up for.";
    };
  };

  config = lib.mkIf (regen.enable && cfg.enable) {
    assertions = [
      {
        assertion = !config.system.autoUpgrade.enable;
        message = ''
          services.regen.upgrade.enable: system.autoUpgrade.enable is set as well, and would switch without a trial and
          without a way back. Remove system.autoUpgrade.enable.'';
      }
      {
        assertion = isSwitching regen.settings;
        message = ''
          services.regen.upgrade.enable: a trial needs services.regen.settings.safeswitch, which is off. Leave it at its
          default, or set policy = "propose";'';
      }
    ];

    systemd.services.regen-upgrade = {
      description = "Upgrade of NixOS, on trial";
      after = [
        "network-online.target"
        "regen.service"
      ];
      wants = [ "network-online.target" ];
      restartIfChanged = false;
      unitConfig.X-StopOnRemoval = false;
      startAt = cfg.dates;
      environment =
        config.nix.envVars
        // {
          HOME = "/root";
        }
        // lib.optionalAttrs (config.environment.sessionVariables ? NIX_PATH) {
          inherit (config.environment.sessionVariables) NIX_PATH;
        }
        // config.networking.proxy.envVars;
      path = [
        pkgs.coreutils
        pkgs.gitMinimal
        pkgs.gnutar
        pkgs.gzip
        pkgs.jq
        pkgs.xz
        config.nix.package
        config.programs.ssh.package
        config.system.build.nixos-rebuild
        regen.package
      ];
      serviceConfig = {
        Type = "oneshot";
        # nixos-rebuild leaves its link `result` where it runs: it keeps the system until the trial is over.
        RuntimeDirectory = "regen-upgrade";
        StateDirectory = "regen-upgrade";
        WorkingDirectory = "/run/regen-upgrade";
      };
      script = ''
        nixos-rebuild build ${
          lib.escapeShellArgs (
            (if cfg.flake == null then [ "--upgrade" ] else [ "--flake" cfg.flake ]) ++ cfg.flags
          )
        }
        system=$(readlink --canonicalize-existing result)
        if [ "$system" = "$(readlink --canonicalize /nix/var/nix/profiles/system)" ]; then
          echo "nothing is new"
          exit 0
        fi
        status=0
        verdict=$(regen vet "$system" ${lib.escapeShellArg regen.settings.state_directory}) || status=$?
        if [ "$status" = 1 ]; then
          echo "$verdict"
          echo "nothing is done until another one is built"
          exit 0
        fi
        status=0
        if [ "$system" = "$(cat /var/lib/regen-upgrade/failed 2>/dev/null)" ]; then
          echo "$system has failed its trial; nothing is done until another one is built"
          exit 0
        fi
        # It waits for the outcome; 1 when the machine went back, or would not try.
        outcome=$(regen switch --json --runtime-directory ${lib.escapeShellArg regen.settings.runtime_directory} "$system") ||
          status=$?
        echo "$outcome"
        if [ "$status" != 0 ] && jq --exit-status 'has("ended")' <<< "$outcome" >/dev/null; then
          echo "$system" > /var/lib/regen-upgrade/failed
        fi
        exit "$status"
      '';
    };

    systemd.timers.regen-upgrade.timerConfig = {
      RandomizedDelaySec = cfg.randomizedDelaySec;
      Persistent = cfg.persistent;
    };
  };
}

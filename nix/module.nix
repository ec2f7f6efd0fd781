# services.regen: docs/nixos.md tells how to use it.
{
  config,
  lib,
  options,
  pkgs,
  ...
}:
let
  inherit (lib)
    concatStringsSep
    escapeShellArg
    filter
    filterAttrs
    hasPrefix
    literalExpression
    mapAttrs
    mkDefault
    mkEnableOption
    mkIf
    mkMerge
    mkOption
    optional
    optionals
    removeSuffix
    types
    ;

  cfg = config.services.regen;
  regenTypes = import ./types.nix { inherit lib; };
  probesOf = import ./protect.nix { inherit lib config; };

  # A key that is null is not there, at any depth; what is in lists as well.
  prune =
    value:
    if lib.isAttrs value then
      mapAttrs (_: prune) (filterAttrs (_: member: member != null) value)
    else if lib.isList value then
      map prune value
    else
      value;

  own = mapAttrs (_: service: removeAttrs service [ "checkUnit" ]) cfg.services;
  plain = prune (lib.recursiveUpdate cfg.settings { services = (cfg.settings.services or { }) // own; });

  # Secrets are named to systemd, and regend finds them where systemd puts them.
  secrets = lib.concatLists (
    lib.mapAttrsToList (
      route: notice:
      lib.concatLists (
        lib.mapAttrsToList (
          kind: way:
          let
            source = notice.${way}."${kind}_file" or null;
          in
          optional (source != null && !(hasPrefix "/run/credentials/" source)) {
            inherit route kind way source;
            name = "notice-${route}-${kind}";
          }
        ) {
          url = "webhook";
          authorization = "webhook";
          password = "mail";
        }
      )
    ) (plain.notices or { })
  );
  final = lib.foldl' (
    settings: secret:
    lib.recursiveUpdate settings {
      notices.${secret.route}.${secret.way}."${secret.kind}_file" =
        "/run/credentials/regen.service/${secret.name}";
    }
  ) plain secrets;

  # `regen check` refuses these as well, but reads what is in the store already.
  literals = map (route: "services.regen.settings.notices.${route}.mail.password") (
    lib.attrNames (filterAttrs (_: notice: notice ? mail.password) (plain.notices or { }))
  );

  text = pkgs.writeText "regen.json" (builtins.toJSON final);
  # `regen check` reads text alone: users, paths and units are `regen doctor`'s, on the machine itself.
  checked = pkgs.runCommand "regen.json" { passthru.settings = final; } ''
    ${lib.optionalString (pkgs.stdenv.buildPlatform.canExecute pkgs.stdenv.hostPlatform) ''
      if ! ${cfg.package}/bin/regen check ${text}; then
        echo "services.regen: this configuration is wrong, see above. KEY there is services.regen.settings.KEY," \
          "and services.NAME is services.regen.services.NAME" >&2
        exit 1
      fi
    ''}
    cp ${text} "$out"
  '';

  isSwitching = regenTypes.isSwitching cfg.settings;

  # Whether nothing is run on behalf of services, so that regend's unit may be shut in. Its children would inherit that.
  runsNothing =
    let
      isWatched =
        service:
        service ? unit
        && lib.all (remedy: remedy == "restart") (service.remedies or [ ])
        && lib.all (probe: !(probe ? command) && !((probe.progress or { }) ? command)) (service.probes or [ ]);
    in
    lib.all isWatched (lib.attrValues final.services);

  units = lib.concatLists (
    lib.mapAttrsToList (
      name: service:
      optional (service.unit != null) {
        inherit name;
        inherit (service) unit checkUnit;
      }
    ) cfg.services
  );
  # `worker@*.service` and `worker@a.service` are made from the template `worker@`.
  isKnown =
    { unit, ... }:
    let
      name = removeSuffix ".service" unit;
      template = builtins.match "([^@]+@).+" name;
    in
    config.systemd.services ? ${name} || template != null && config.systemd.services ? ${lib.head template};
  strangers = filter (unit: !isKnown unit) units;
  complaint =
    { name, unit, ... }:
    "services.regen.services.${name}: this configuration has no unit ${unit}. If it has another name, say services.regen.services.${name}.unit";

  hardening = {
    StateDirectory = "regen";
    RuntimeDirectory = "regen";
    RuntimeDirectoryPreserve = "yes";
    ProtectSystem = "strict";
    # The profile is switched in there; the switch itself runs in a unit of its own.
    ReadWritePaths =
      [ "-/nix/var/nix" ]
      ++ optional (final.state_directory != "/var/lib/regen") final.state_directory
      ++ optional (final.runtime_directory != "/run/regen") final.runtime_directory;
    ProtectHome = "read-only";
    PrivateTmp = true;
    CapabilityBoundingSet = [
      "CAP_CHOWN"
      "CAP_SETUID"
      "CAP_SETGID"
      "CAP_KILL"
      "CAP_DAC_READ_SEARCH"
      "CAP_SYS_PTRACE"
      "CAP_SYS_RESOURCE"
      "CAP_IPC_LOCK"
    ];
    NoNewPrivileges = true;
    RestrictAddressFamilies = [
      "AF_UNIX"
      "AF_INET"
      "AF_INET6"
      "AF_NETLINK"
    ];
    SystemCallArchitectures = "native";
    SystemCallFilter = "@system-service seccomp";
    SystemCallErrorNumber = "EPERM";
    RestrictRealtime = true;
    RestrictSUIDSGID = true;
    LockPersonality = true;
    MemoryDenyWriteExecute = true;
    # It implies a list of allowed devices, which no watchdog is on, and which knows no device that appears late. The clock is
    # not Regen's to set anyhow: there is no CAP_SYS_TIME.
    ProtectClock = !(final ? watchdog);
    ProtectHostname = true;
    ProtectKernelLogs = true;
    ProtectKernelModules = true;
    ProtectKernelTunables = true;
    KeyringMode = "private";
  };
  # regend in a control group of its own beside its services'.
  delegation = {
    Delegate = true;
    DelegateSubgroup = "daemon";
    OOMPolicy = "continue";
    TasksMax = "infinity";
    RestartSteps = 5;
    RestartMaxDelaySec = "30s";
  };

  # By it, the instance that runs knows its unit again, see regen-renew.
  fingerprint = builtins.hashString "sha256" (
    builtins.unsafeDiscardStringContext (builtins.toJSON config.systemd.services.regen.serviceConfig)
  );
in
{
  imports = [
    ./metrics.nix
    ./upgrade.nix
    ./watchdog.nix
  ];

  options.services.regen = {
    enable = mkEnableOption "Regen, which keeps services alive and takes the machine back to the last good generation";

    package = mkOption {
      type = types.package;
      default = pkgs.regen or (pkgs.callPackage ./package.nix { });
      defaultText = literalExpression "regen.packages.\${system}.default";
      description = "The package of Regen.";
    };

    protect = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [
        "nginx"
        "postgresql"
      ];
      description = ''
        Names of services to look after with probes that fit their NixOS modules: ${
          concatStringsSep ", " (lib.attrNames probesOf)
        }. Any other name is that of a unit, which is watched for crashes alone. What
        {option}`services.regen.services` says of the same name goes first.
      '';
    };

    services = mkOption {
      type = types.attrsOf (types.submodule regenTypes.service);
      default = { };
      example = literalExpression ''
        {
          nginx.probes = [ { http = "http://127.0.0.1/health"; } ];
        }
      '';
      description = ''
        What Regen looks after, by name. The keys are those of `services` in Regen's configuration; what is not listed
        here may be set all the same. The unit is the one of that name, unless `unit`, `command` or `run` is set.
      '';
    };

    settings = mkOption {
      type = types.submodule regenTypes.settings;
      default = { };
      description = ''
        Regen's configuration, but for what {option}`services.regen.services` adds to it. It is checked while building,
        and at `/etc/regen/regen.json`.
      '';
    };

    hardened = mkOption {
      type = types.bool;
      default = runsNothing;
      defaultText = lib.literalMD "whether each service is a `unit`, and nothing is run on its behalf";
      description = ''
        Whether Regen's own unit is shut in: read-only system, few capabilities, few system calls. Whatever Regen runs
        on behalf of services (`command`, `run`, probes and remedies that run commands) would be shut in with it.
      '';
    };

    refuseQuarantined = mkOption {
      type = types.bool;
      default = cfg.upgrade.enable;
      defaultText = literalExpression "config.services.regen.upgrade.enable";
      description = ''
        Whether a switch to a system that Regen has switched away from is refused, whoever asks for it
        ({option}`system.preSwitchChecks`). `NIXOS_NO_CHECK=1` switches all the same. Where Regen cannot be asked, the
        switch goes on, and says so.
      '';
    };

    configFile = mkOption {
      type = types.package;
      internal = true;
      readOnly = true;
      description = "The configuration, checked.";
    };
  };

  config = mkIf cfg.enable {
    services.regen.services = mkMerge (
      map (name: { ${name}.probes = mkDefault (probesOf.${name} or [ ]); }) cfg.protect
    );
    services.regen.configFile = checked;

    assertions = [
      {
        assertion = final.services != { };
        message = ''
          services.regen.enable: there is nothing to look after. Say services.regen.protect = [ "nginx" ]; or
          services.regen.services.NAME.probes = [ … ];'';
      }
      {
        assertion = isSwitching -> config.system.switch.enable;
        message = ''
          services.regen.settings.safeswitch: system.switch.enable is false, so that no generation can be switched to and
          none gone back to. Set system.switch.enable = true; or, to heal services alone,
          services.regen.settings.safeswitch = null;'';
      }
      {
        assertion = isSwitching -> config.nix.enable;
        message = ''
          services.regen.settings.safeswitch: nix.enable is false, so that there is no profile of generations to go back
          to. Set nix.enable = true; or, to heal services alone, services.regen.settings.safeswitch = null;'';
      }
      {
        assertion = lib.all (secret: !(hasPrefix builtins.storeDir secret.source)) secrets;
        message = ''
          services.regen.settings.notices: ${concatStringsSep ", " (map (secret: secret.source) secrets)}: a secret in the
          Nix store can be read by everybody. Write the path as a string ("/run/secrets/…"), of a file that is there on
          the machine.'';
      }
      {
        assertion = literals == [ ];
        message = ''
          ${concatStringsSep ", " literals}: a secret in the configuration can be read by whoever can read that, and in the
          Nix store that is everybody. Put it into a file, and name that in password_file.'';
      }
      {
        assertion = cfg.refuseQuarantined -> options.system ? preSwitchChecks;
        message = "services.regen.refuseQuarantined: this NixOS has no system.preSwitchChecks; it came with 25.05.";
      }
    ]
    ++ map (unit: {
      assertion = false;
      message = complaint unit + ".";
    }) (filter (unit: unit.checkUnit) strangers);

    warnings =
      map (unit: complaint unit + "; if a package brings it, all is well.") (
        filter (unit: !unit.checkUnit) strangers
      )
      ++ optionals (cfg.hardened && !runsNothing) [
        "services.regen.hardened: what Regen runs on behalf of services is shut in with it."
      ];

    environment.systemPackages = [ cfg.package ];
    environment.etc."regen/regen.json".source = checked;
    environment.etc."systemd/catalog/regen.catalog".source = "${cfg.package}/lib/systemd/catalog/regen.catalog";

    # Whoever is in it may look without being root.
    users.groups.regen = { };
    # Who meets strangers: neither has a file or another process.
    users.users = lib.genAttrs [ "regen-probe" "regen-notify" ] (name: {
      isSystemUser = true;
      group = name;
    });
    users.groups.regen-probe = { };
    users.groups.regen-notify = { };

    systemd.services.regen = {
      description = "Regen, self-healing";
      documentation = [ "man:regen(1)" ];
      wantedBy = [ "multi-user.target" ];
      # What is ordered before it is stopped after it.
      after = [
        "network.target"
        "nss-user-lookup.target"
        "dbus.service"
      ];
      startLimitIntervalSec = 0;
      # A switch neither restarts it nor, should the new system be without it, stops it: it may be watching that very
      # switch. A new configuration reaches it by a reload; a new version by regen-renew.
      restartIfChanged = false;
      unitConfig.X-StopOnRemoval = false;
      reloadTriggers = [ checked ];
      path = optional config.nix.enable config.nix.package;
      environment.SWIFT_BACKTRACE = "enable=no";
      environment.REGEN_UNIT = fingerprint;
      serviceConfig = mkMerge [
        {
          Type = "notify";
          ExecStart = "${cfg.package}/bin/regen run --config /etc/regen/regen.json";
          ExecReload = "${cfg.package}/bin/regen reload --runtime-directory ${final.runtime_directory}";
          KillMode = "process";
          Restart = "always";
          RestartSec = "1s";
          TimeoutStopSec = "5min";
          WatchdogSec = "30s";
          WatchdogSignal = "SIGKILL";
          OOMScoreAdjust = -900;
          SyslogIdentifier = "regen";
        }
        (mkIf (secrets != [ ]) {
          LoadCredential = map (secret: "${secret.name}:${secret.source}") secrets;
          # A secret that is missing keeps one route from telling people, not Regen from healing: two lines are no
          # secret that a route would use.
          SetCredential = map (secret: "${secret.name}:${secret.source}\\nwas not there") secrets;
        })
        (if cfg.hardened then hardening else delegation)
      ];
    };

    # Regen's own upgrade: when the switch is over, and only if another unit or version is wanted than the one that runs.
    # Services keep their processes.
    systemd.services.regen-renew = {
      description = "Regen's new version, once the switch is over";
      wantedBy = [ "multi-user.target" ];
      after = [ "regen.service" ];
      unitConfig.X-StopOnRemoval = false;
      path = [
        config.systemd.package
        pkgs.util-linux
        pkgs.gnugrep
      ];
      serviceConfig.Type = "exec";
      script = ''
        pid=$(systemctl show --property=MainPID --value regen.service)
        # Whoever starts it later starts the new one.
        if [ "$pid" = 0 ]; then exit 0; fi
        if grep --quiet --null-data --line-regexp --fixed-strings 'REGEN_UNIT=${fingerprint}' "/proc/$pid/environ"; then
          exit 0
        fi
        # Nobody is kept from switching: it is let go at once.
        flock --shared --timeout 900 /run/nixos/switch-to-configuration.lock true ||
          echo "a switch takes long; going on, as a restart of Regen touches neither it nor any service"
        exec systemctl restart regen.service
      '';
    };

    system = lib.optionalAttrs (options.system ? preSwitchChecks) {
      preSwitchChecks = mkIf cfg.refuseQuarantined {
        regen = ''
          if [ "''${2-}" != dry-activate ]; then
            status=0
            verdict=$(${pkgs.coreutils}/bin/timeout 10 ${cfg.package}/bin/regen vet "$1" \
              ${escapeShellArg final.state_directory} 2>&1) || status=$?
            if [ "$status" = 1 ]; then
              echo "$verdict" >&2
              echo "Mend it and build another one, or switch to it all the same: NIXOS_NO_CHECK=1" >&2
              exit 1
            elif [ "$status" != 0 ]; then
              echo "Regen cannot tell whether this system is quarantined, so the switch goes on: $verdict" >&2
            fi
          fi
        '';
      };
    };
  };
}

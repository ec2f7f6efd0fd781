# services.regen.metrics: numbers for the textfile collector of node_exporter, by a client of Regen's socket.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  regen = config.services.regen;
  cfg = regen.metrics;
  inherit (import ./types.nix { inherit lib; }) duration named;
  directory = dirOf cfg.textfile;
in
{
  options.services.regen.metrics = {
    textfile = mkOption {
      # Nothing in it that a unit's command would read as anything else.
      type = types.nullOr (
        named "absolute path of a file *.prom, as a string" (types.strMatching "/[A-Za-z0-9/._-]+\\.prom")
      );
      default = null;
      example = "/var/lib/node-exporter/regen.prom";
      description = ''
        A file for the textfile collector of node_exporter, which is kept up to date ({command}`regen metrics`). Its
        directory is made if it is not there, and is what the collector is told by
        `--collector.textfile.directory=`.
      '';
    };
    every = mkOption {
      type = duration;
      default = "15s";
      description = "How often it is written anew, from 1s to 1h.";
    };
  };

  config = lib.mkIf (regen.enable && cfg.textfile != null) {
    # What is there already stays whose it is.
    systemd.tmpfiles.rules = [ "d ${directory} :0755 :root :root -" ];

    systemd.services.regen-metrics = {
      description = "Regen, its numbers for Prometheus";
      wantedBy = [ "multi-user.target" ];
      after = [ "regen.service" ];
      startLimitIntervalSec = 0;
      environment.SWIFT_BACKTRACE = "enable=no";
      serviceConfig = {
        ExecStart = lib.concatStringsSep " " [
          "${regen.package}/bin/regen metrics --textfile ${cfg.textfile} --every ${cfg.every}"
          "--runtime-directory ${regen.settings.runtime_directory}"
        ];
        Restart = "always";
        RestartSec = "10s";
        SyslogIdentifier = "regen-metrics";
        CapabilityBoundingSet = "CAP_DAC_OVERRIDE";
        NoNewPrivileges = true;
        ProtectSystem = "strict";
        ReadWritePaths = directory;
        ProtectHome = true;
        PrivateTmp = true;
        PrivateDevices = true;
        PrivateNetwork = true;
        RestrictAddressFamilies = "AF_UNIX";
        RestrictNamespaces = true;
        SystemCallArchitectures = "native";
        SystemCallFilter = "@system-service";
        MemoryDenyWriteExecute = true;
        ProtectClock = true;
        ProtectHostname = true;
        ProtectKernelLogs = true;
        ProtectKernelModules = true;
        ProtectKernelTunables = true;
      };
    };
  };
}

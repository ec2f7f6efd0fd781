# Tests in virtual machines, each a module for `pkgs.testers.runNixOSTest`: nix build .#checks.x86_64-linux.NAME
# They say of a real NixOS what Tests/VMTests and Tests/ContainerTests say of machines that need no Nix.
builtins.mapAttrs
  (_: test: {
    imports = [ test ];
    defaults = ./common.nix;
  })
  {
    killed = ./killed.nix;
    rollback = ./rollback.nix;
    own-upgrade = ./own-upgrade.nix;
    lockout = ./lockout.nix;
    quarantine = ./quarantine.nix;
    watchdog = ./watchdog.nix;
    boot-gate = ./boot-gate.nix;
  }

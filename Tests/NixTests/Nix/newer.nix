# Options that older trees do not have, as far as Regen sets or reads them: preSwitchChecks came with NixOS 25.05,
# bootCounting with 26.11.
{ lib, tree }:
lib.optional (!builtins.pathExists (tree + "/nixos/modules/system/activation/pre-switch-check.nix")) {
  options.system.preSwitchChecks = lib.mkOption {
    type = lib.types.attrsOf lib.types.str;
    default = { };
  };
}
++
  lib.optional
    (
      !lib.hasInfix "bootCounting" (
        builtins.readFile (tree + "/nixos/modules/system/boot/loader/systemd-boot/systemd-boot.nix")
      )
    )
    {
      options.boot.loader.systemd-boot.bootCounting = {
        enable = lib.mkEnableOption "boot counting";
        tries = lib.mkOption {
          type = lib.types.ints.positive;
          default = 3;
        };
      };
    }

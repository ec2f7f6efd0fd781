# Options that trees before NixOS 25.05 do not have, as far as Regen sets them.
{ lib, tree }:
lib.optional (!builtins.pathExists (tree + "/nixos/modules/system/activation/pre-switch-check.nix")) {
  options.system.preSwitchChecks = lib.mkOption {
    type = lib.types.attrsOf lib.types.str;
    default = { };
  };
}

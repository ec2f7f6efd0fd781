# The settings of systemd itself as NixOS has had them since 25.11, for trees that are older.
{ lib, tree }:
lib.optional
  (
    !lib.hasInfix "settings.Manager" (builtins.readFile (tree + "/nixos/modules/system/boot/systemd.nix"))
  )
  {
    options.systemd.settings.Manager = lib.mkOption {
      type = lib.types.attrsOf lib.types.anything;
      default = { };
    };
  }

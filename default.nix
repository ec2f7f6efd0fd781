# For those without flakes: nix-build, or in a configuration
#   imports = [ (builtins.fetchTarball REGEN + "/nix/module.nix") ];
{
  pkgs ? import <nixpkgs> { },
}:
pkgs.callPackage ./nix/package.nix { }

# Stands in for nixpkgs where there is a tree of it: its own `lib` and NixOS, and packages that are names.
{
  inputs.tree = {
    url = "path:/no/tree/was/named";
    flake = false;
  };

  outputs =
    { self, tree }:
    let
      lib = import (tree + "/lib");
      packages = system: import ./packages.nix { inherit lib system; };
    in
    {
      lib = lib // {
        nixosSystem =
          { modules }:
          import (tree + "/nixos/lib/eval-config.nix") {
            inherit lib;
            system = "x86_64-linux";
            pkgs = packages "x86_64-linux";
            modules =
              modules
              ++ import ./newer.nix { inherit lib tree; }
              ++ [
                {
                  networking.useDHCP = false;
                  environment.stub-ld.enable = false;
                  documentation.enable = false;
                }
              ];
          };
      };
      legacyPackages = lib.genAttrs [ "x86_64-linux" "aarch64-linux" ] packages;
    };
}

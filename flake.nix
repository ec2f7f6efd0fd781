{
  description = "Regen: self-healing for NixOS";

  # Swift 6.2 is in nixpkgs from 26.11 on.
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      inherit (nixpkgs) lib;
      systems = [
        "x86_64-linux"
        "aarch64-linux"
      ];
      each = make: lib.genAttrs systems (system: make nixpkgs.legacyPackages.${system});
      regenOf = pkgs: self.packages.${pkgs.stdenv.hostPlatform.system}.regen;

      # The package of this flake, built with this flake's nixpkgs, whatever the machine's own is.
      module =
        { lib, pkgs, ... }:
        {
          key = "regen";
          imports = [ ./nix/module.nix ];
          services.regen.package = lib.mkDefault (regenOf pkgs);
        };
    in
    {
      packages = each (pkgs: rec {
        regen = pkgs.callPackage ./nix/package.nix { };
        default = regen;
      });

      overlays.default = final: _: { regen = final.callPackage ./nix/package.nix { }; };

      nixosModules.regen = module;
      nixosModules.default = module;

      # `nix flake check` builds Regen and runs each of nix/tests in virtual machines.
      checks = each (
        pkgs:
        {
          package = regenOf pkgs;
        }
        // lib.mapAttrs (
          _: test:
          pkgs.testers.runNixOSTest {
            imports = [ test ];
            defaults.imports = [ module ];
          }
        ) (import ./nix/tests)
      );

      devShells = each (pkgs: {
        default = pkgs.mkShell {
          inputsFrom = [ (regenOf pkgs) ];
          packages = [
            pkgs.nginx
            pkgs.mandoc
            pkgs.shellcheck
            pkgs.python3
          ];
        };
      });

      formatter = each (pkgs: pkgs.nixfmt-tree);

      apps = each (pkgs: rec {
        regen = {
          type = "app";
          program = "${regenOf pkgs}/bin/regen";
        };
        default = regen;
      });

      # nix run .#nixosConfigurations.demo.config.system.build.vm
      nixosConfigurations.demo = lib.nixosSystem {
        modules = [
          module
          ./nix/demo.nix
        ];
      };
    };
}

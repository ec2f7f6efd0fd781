# A NixOS with Regen's module, evaluated by the `nixos/lib/eval-config.nix` of the tree that is given.
{ tree, repository, modules ? [ ], builder ? "x86_64-linux" }:
let
  lib = import (tree + "/lib");
  pkgs = import ./packages.nix { inherit lib builder; };
  nixos = import (tree + "/nixos/lib/eval-config.nix") {
    inherit lib pkgs;
    system = "x86_64-linux";
    modules = [
      (repository + "/nix/module.nix")
      {
        services.regen.package = pkgs.callPackage (repository + "/nix/package.nix") { };
        boot.isContainer = true;
        networking.useDHCP = false;
        environment.stub-ld.enable = false;
        system.stateVersion = lib.trivial.release;
        documentation.enable = false;
      }
    ] ++ import ./newer.nix { inherit lib tree; } ++ modules;
  };
  inherit (nixos) config;
  regen = config.services.regen;
in
{
  inherit nixos pkgs lib;
  report = {
    assertions = map (assertion: assertion.message) (lib.filter (assertion: !assertion.assertion) config.assertions);
    inherit (config) warnings;
    settings = regen.configFile.settings;
    inherit (config.system) preSwitchChecks;
    scripts = lib.mapAttrs (_: service: service.script) (
      lib.filterAttrs (name: _: lib.hasPrefix "regen-" name) config.systemd.services
    );
    check = regen.configFile.text;
    units = lib.genAttrs (lib.filter (lib.hasPrefix "regen") (lib.attrNames config.systemd.units)) (
      name: config.systemd.units.${name}.text
    );
  };
}

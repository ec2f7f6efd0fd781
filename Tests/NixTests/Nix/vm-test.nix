# A test of nix/tests, evaluated by the tree's own test framework: its script, and the systems that it names, as far as
# their assertions and Regen's unit. Whole systems are nixpkgs' matter.
{ tree, repository, name }:
let
  lib = import (tree + "/lib");
  pkgs = import ./packages.nix { inherit lib; };
  test = (import (tree + "/nixos/lib") { inherit lib; }).evalTest {
    imports = [ (import (repository + "/nix/tests")).${name} ];
    hostPkgs = pkgs;
    node.pkgs = pkgs;
    defaults =
      { config, ... }:
      {
        imports = [ (repository + "/nix/module.nix") ] ++ import ./newer.nix { inherit lib tree; };
        networking.useDHCP = false;
        environment.stub-ld.enable = false;
        documentation.enable = false;
      };
  };
in
{
  script = test.config.testScriptString;
  nodes = lib.mapAttrs (_: node: {
    unit = node.systemd.units."regen.service".text;
    settings = node.services.regen.configFile.settings;
    assertions = map (assertion: assertion.message) (lib.filter (assertion: !assertion.assertion) node.assertions);
  }) test.config.nodes;
}

# The two Swift packages that `regen`, the command line, is built with, in the layout that nixpkgs' swiftpmHook
# unpacks: `workspace-state.json` and `Packages/NAME`. `fetchSwiftPMDeps` would make the same from a
# Package.resolved; this needs none, nothing but two fixed-output fetches, and no import from derivation.
# Versions are those that Package.swift demands; a test holds them to it.
{
  lib,
  fetchFromGitHub,
  linkFarm,
  writeText,
}:
let
  packages = {
    swift-argument-parser = {
      location = "https://github.com/apple/swift-argument-parser";
      version = "1.8.2";
      source = fetchFromGitHub {
        owner = "apple";
        repo = "swift-argument-parser";
        rev = "6a52f3251125d74daf04fcbd5e6f08a75d074382";
        hash = "sha256-BWm2ZbNIvlamNp8cxoicFlAcujjhH22VPzs67lEIXWU=";
      };
    };
    Yams = {
      location = "https://github.com/jpsim/Yams";
      version = "6.2.2";
      source = fetchFromGitHub {
        owner = "jpsim";
        repo = "Yams";
        rev = "a27b21e0c81c5bf42049b897a62aaf387e80f279";
        hash = "sha256-iOZsaPM4tn8/d8YBEvEJSGecwVkEXeON21SnkuysWrY=";
      };
    };
  };
  names = builtins.attrNames packages;

  # SwiftPM's word for vendoring is "edited": it takes what lies in Packages/ and fetches nothing.
  state = {
    version = 7;
    object = {
      artifacts = [ ];
      prebuilts = [ ];
      dependencies = map (name: {
        basedOn = null;
        packageRef = {
          identity = lib.toLower name;
          kind = "remoteSourceControl";
          inherit name;
          inherit (packages.${name}) location;
        };
        state = {
          name = "edited";
          path = null;
        };
        subpath = name;
      }) names;
    };
  };
in
linkFarm "regen-swift-packages" (
  [
    {
      name = "workspace-state.json";
      path = writeText "workspace-state.json" (builtins.toJSON state);
    }
  ]
  ++ map (name: {
    name = "Packages/${name}";
    path = packages.${name}.source;
  }) names
)
// {
  inherit packages state;
}

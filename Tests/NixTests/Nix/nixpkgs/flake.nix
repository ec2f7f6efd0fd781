# Stands in for nixpkgs where there is none: as much of it as flake.nix and nix/package.nix look at.
{
  outputs =
    { self }:
    let
      lib = {
        inherit (builtins) mapAttrs;
        genAttrs = names: make: builtins.listToAttrs (map (name: { inherit name; value = make name; }) names);
        versionAtLeast = one: other: builtins.compareVersions one other >= 0;
        getVersion = package: package.version;
        assertMsg = holds: message: holds || throw message;
        optionalString = holds: text: if holds then text else "";
        toLower = builtins.replaceStrings [ "Y" ] [ "y" ];
        mkDefault = value: value;
        licenses.mit = { };
        fileset.unions = files: files;
        fileset.toSource = { root, fileset }: builtins.seq (map (file: assert builtins.pathExists file; file) fileset) "/source";
        nixosSystem = { modules }: { inherit modules; };
      };
      packages =
        system:
        let
          fake =
            name: more:
            derivation {
              inherit name system;
              builder = "/bin/sh";
            }
            // { version = "6.2.4"; }
            // more;
          pkgs =
            lib.genAttrs [
              "curl"
              "installShellFiles"
              "jansson"
              "mandoc"
              "nginx"
              "nixfmt-tree"
              "openssl"
              "pkg-config"
              "python3"
              "shellcheck"
              "swift"
              "swiftpm"
              "systemdLibs"
            ] (name: fake name { })
            // {
              inherit lib;
              stdenv = {
                hostPlatform = { inherit system; };
                buildPlatform.canExecute = _: true;
                mkDerivation =
                  arguments:
                  let
                    final = arguments final;
                  in
                  fake "${final.pname}-${final.version}" { inherit (final) version swiftpmDeps; };
              };
              fetchFromGitHub = { repo, ... }: fake repo { };
              writeText = name: text: fake name { inherit text; };
              linkFarm = name: links: fake name { inherit links; };
              mkShell = { inputsFrom, packages }: fake "shell" { };
              testers.runNixOSTest = { imports, ... }: fake "vm-test" { };
              callPackage =
                path: more:
                let
                  function = import path;
                in
                function (builtins.intersectAttrs (builtins.functionArgs function) pkgs // more);
            };
        in
        pkgs;
    in
    {
      inherit lib;
      legacyPackages = lib.genAttrs [ "x86_64-linux" "aarch64-linux" ] packages;
    };
}

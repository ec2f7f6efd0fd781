# Packages that nobody builds: names and shapes, as much as NixOS' modules look at while units are evaluated. A build's
# text is in `text`, so that it can be looked at without building anything.
{ lib, system ? "x86_64-linux", builder ? system, swiftVersion ? "6.2.4" }:
let
  platform = lib.systems.elaborate system;

  fake =
    name: more:
    let
      made = derivation {
        inherit name system;
        builder = "/bin/sh";
        # Another text, another path; only where somebody looks, since texts name all of NixOS.
        text = if lib.hasInfix "regen" name then more.text or "" else "";
      };
    in
    made
    // lib.genAttrs [ "bin" "dev" "out" "lib" "man" "doc" "info" "terminfo" ] (_: made)
    // {
      pname = name;
      version = "999";
      meta = {
        mainProgram = name;
        outputsToInstall = [ "out" ];
      };
      override = _: fake name more;
      withPackages = _: fake name more;
      overrideAttrs = _: fake name more;
      passthru = { };
    }
    // more;

  write = name: text: fake name { inherit text; };

  pkgs =
    lib.genAttrs [
      "bash" "bashInteractive" "btrfs-progs" "bzip2" "coreutils" "coreutils-full" "cpio" "curl" "dbus"
      "diffutils" "dosfstools" "e2fsprogs" "findutils" "fish" "gawk" "getent" "gitMinimal" "glibc"
      "glibcLocales" "gnugrep" "gnused" "gnutar" "gzip" "installShellFiles" "iproute2" "jansson" "jq"
      "kexec-tools" "kmod" "linux-pam" "logrotate" "makeInitrdNGTool" "man-db" "mandoc" "ncurses" "nettools"
      "nginx" "nginxStable" "nix" "nixfmt-tree" "nixos-rebuild" "nsncd" "openresolv" "openssh" "openssl" "perl"
      "pkg-config" "python3" "shadow" "shellcheck" "sudo" "swiftpm" "systemd" "systemdLibs" "tengine" "tzdata"
      "util-linux" "xonsh" "xz" "zsh"
    ] (name: fake name { })
    // {
      _type = "pkgs";
      inherit lib system;
      config = { };
      overlays = [ ];
      appendOverlays = _: pkgs;
      __splicedPackages = pkgs;
      buildPackages = pkgs;
      pkgsBuildBuild = pkgs;
      libxcrypt.enabledCryptSchemeIds = [ ];
      qemu_kvm.ga = fake "qemu-guest-agent" { };
      qemu_test.ga = fake "qemu-guest-agent" { };
      pkgsStatic.callPackage = _: _: fake "static" { };
      nginxStable = fake "nginx" { modules = [ ]; };
      openresty = fake "openresty" { };
      swift = fake "swift" { version = swiftVersion; };
      stdenv = {
        hostPlatform = platform;
        buildPlatform = lib.systems.elaborate builder;
        targetPlatform = platform;
        inherit system;
        isLinux = true;
        inherit (platform) isx86_64;
        cc = fake "gcc" { libc = fake "glibc" { }; };
        mkDerivation =
          arguments:
          let
            final = if lib.isFunction arguments then arguments (fake "self" { }) else arguments;
          in
          fake "${final.pname or final.name}-${final.version or "0"}" (removeAttrs final [ "name" ]);
      };
      stdenvNoCC = pkgs.stdenv;
      runtimeShell = "/bin/sh";
      writeText = write;
      writeTextFile = { name, text, ... }: write name text;
      writeTextDir = path: write (baseNameOf path);
      writeScript = write;
      writeScriptBin = write;
      writeShellScript = write;
      writeShellScriptBin = write;
      writeShellApplication = { name, text, ... }: write name text;
      runCommand =
        name: more: text:
        fake name ({ inherit text; } // more.passthru or { });
      makeInitrd = _: fake "initrd" { };
      mkShell = _: fake "shell" { };
      testers.runNixOSTest = test: fake "vm-test-${test.name or "regen"}" { };
      writers = lib.genAttrs [ "writeNginxConfig" "writeBash" ] (_: write);
      runCommandLocal = pkgs.runCommand;
      linkFarm = name: _: fake name { };
      fetchFromGitHub = { repo, ... }: fake repo { };
      substituteAll = { name ? "substituted", ... }: fake name { };
      replaceVars = _: _: fake "replaced" { };
      symlinkJoin = { name, ... }: fake name { };
      buildEnv = { name, ... }: fake name { };
      linuxPackages = lib.makeExtensible (_: {
        kernel = fake "linux" {
          version = "6.12";
          modDirVersion = "6.12";
          features.efiBootStub = true;
          config = lib.genAttrs [ "isYes" "isNo" "isModule" "isEnabled" "isDisabled" "isSet" ] (_: _: true);
          kernelOlder = _: false;
          kernelAtLeast = _: true;
        };
      });
      formats =
        lib.genAttrs [
          "elixirConf" "gitIni" "hocon" "ini" "iniWithGlobalSection" "javaProperties" "json" "keyValue"
          "libconfig" "lua" "php" "pythonVars" "systemd" "toml" "xml" "yaml"
        ] (_: _: {
            type = lib.types.anything;
            lib.types = { };
            generate = name: _: fake name { };
          });
      callPackage =
        path: more:
        let
          function = if lib.isFunction path then path else import path;
        in
        function (builtins.intersectAttrs (lib.functionArgs function) pkgs // more);
    };
in
pkgs

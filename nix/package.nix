# Regen with nixpkgs' own Swift, which is 6.2.4 from nixpkgs 26.11 on. Called by `callPackage`.
{
  lib,
  stdenv,
  callPackage,
  curl,
  installShellFiles,
  jansson,
  openssl,
  pkg-config,
  swift,
  swiftpm,
  systemdLibs,
}:

assert lib.assertMsg (lib.versionAtLeast (lib.getVersion swift) "6.2") ''
  Regen needs Swift 6.2 or newer, and this nixpkgs has ${lib.getVersion swift}. Take a newer one: nixos-26.11, or
  nixos-unstable since September 2026. If the rest of your system is older, build only Regen with the newer one:
      services.regen.package = inputs.regen.packages.''${pkgs.stdenv.hostPlatform.system}.default;
  and do not let the input `regen` follow your nixpkgs.'';

stdenv.mkDerivation (finalAttrs: {
  pname = "regen";
  version = "0.1.0";

  # What Package.swift names has to be there, its tests' and benchmarks' folders included.
  src = lib.fileset.toSource {
    root = ../.;
    fileset = lib.fileset.unions [
      ../Benchmarks
      ../Package.swift
      ../Sources
      ../Tests
      ../docs/man
      ../examples/systemd
    ];
  };

  strictDeps = true;
  __structuredAttrs = true;

  # The hook of swiftpm unpacks it, builds and installs the products: regen, regend, regen-net.
  swiftpmDeps = callPackage ./swift-packages.nix { };

  nativeBuildInputs = [
    installShellFiles
    pkg-config
    swift
    swiftpm
  ];

  buildInputs = [
    curl
    jansson
    openssl
    systemdLibs
  ];

  # Its tests need the network's namespaces, root and containers: `make test` runs them.
  doCheck = false;

  postInstall = ''
    installManPage docs/man/*.1
    install -D -m 644 -t "$out/lib/systemd/catalog" examples/systemd/regen.catalog
    # For those who use no module: services.regen writes its own.
    substituteInPlace examples/systemd/*.service --replace-fail /usr/local/bin/regen "$out/bin/regen"
    install -D -m 644 -t "$out/lib/systemd/system" examples/systemd/regen.service
    install -D -m 644 -t "$out/share/regen" examples/systemd/regen-units-only.service
    install -D -m 644 -t "$out/lib/systemd/system/regen.service.d" examples/systemd/regen.service.d/*.conf
  ''
  + lib.optionalString (stdenv.buildPlatform.canExecute stdenv.hostPlatform) ''
    for shell in bash zsh fish; do
      "$out/bin/regen" --generate-completion-script "$shell" > "regen.$shell"
    done
    installShellCompletion --cmd regen --bash regen.bash --zsh regen.zsh --fish regen.fish
  '';

  doInstallCheck = stdenv.buildPlatform.canExecute stdenv.hostPlatform;
  installCheckPhase = ''
    runHook preInstallCheck
    test "$("$out/bin/regen" --version)" = "regen ${finalAttrs.version}"
    for program in regend regen-net; do test -x "$out/bin/$program"; done
    runHook postInstallCheck
  '';

  meta = {
    description = "Keeps services alive, takes NixOS back to the last good generation, and can show why";
    license = lib.licenses.mit;
    mainProgram = "regen";
    platforms = [
      "x86_64-linux"
      "aarch64-linux"
    ];
  };
})

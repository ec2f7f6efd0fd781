// swift-tools-version: 6.2
import PackageDescription

/// Every Swift target is built alike: warnings are errors, and imports and existentials are explicit.
let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

/// A folder in Sources/. The dependencies are the import rule of docs/architecture.md.
func room(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

/// A folder in Tests/, named for the room that it tests.
func tests(
    _ room: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = []
) -> Target {
    .testTarget(
        name: "\(room)Tests", dependencies: [.target(name: room)] + dependencies,
        exclude: exclude, swiftSettings: strict)
}

let package = Package(
    name: "regen",
    products: [
        .executable(name: "regen", targets: ["regen"]),
        .executable(name: "regend", targets: ["regend"]),
        .executable(name: "regen-net", targets: ["regen-net"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
    ],
    targets: [
        .target(
            name: "CLinux",
            cSettings: [
                .define("_GNU_SOURCE"), .enableWarning("all"), .enableWarning("extra"),
                .treatAllWarnings(as: .error),
            ]),
        .systemLibrary(
            name: "CJansson", pkgConfig: "jansson", providers: [.apt(["libjansson-dev"])]),
        .systemLibrary(
            name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(
            name: "CSystemd", pkgConfig: "libsystemd", providers: [.apt(["libsystemd-dev"])]),

        room("Supervision"),
        room("JSON", ["CJansson"]),
        room("SafeSwitch", ["Supervision"]),
        room("Configuration", ["Supervision", "SafeSwitch", "JSON"]),
        room("Linux", ["CLinux"]),
        room("Systemd", ["Linux", "CSystemd"]),
        room("NixOS", ["Linux", "JSON", "SafeSwitch"]),
        room("Ledger", ["Linux", "JSON", "COpenSSL"]),
        room("Records", ["Supervision", "SafeSwitch", "Ledger", "JSON"]),
        room("Control", ["Linux", "JSON"]),
        room("Worker", ["Linux", "JSON", "Configuration", "Supervision"]),
        room(
            "Probing", ["Linux", "Configuration", "Worker", "JSON", "Supervision", "Systemd"]),
        room(
            "Network",
            [
                "Worker", "Configuration", "Supervision", "Linux", "JSON", "CCurl", "COpenSSL",
            ]),
        room(
            "Daemon",
            [
                "Supervision", "Configuration", "JSON", "Linux", "Ledger", "Records", "Control",
                "Worker", "Probing", "SafeSwitch", "NixOS", "Systemd",
            ]),
        room(
            "Commands",
            [
                "Supervision", "SafeSwitch", "NixOS", "Configuration", "JSON", "Linux", "Ledger",
                "Records", "Control", "Systemd",
                .product(name: "ArgumentParser", package: "swift-argument-parser"), "Yams",
            ]),
        .executableTarget(name: "regend", dependencies: ["Daemon"], swiftSettings: strict),
        .executableTarget(name: "regen-net", dependencies: ["Network"], swiftSettings: strict),
        .executableTarget(name: "regen", dependencies: ["Commands"], swiftSettings: strict),
        .executableTarget(
            name: "bench-empty", dependencies: ["COpenSSL", "CJansson"], path: "Benchmarks/Empty",
            swiftSettings: strict),

        tests("Supervision"),
        tests("SafeSwitch", ["Supervision"]),
        tests("NixOS", ["Linux", "JSON", "SafeSwitch", "Supervision", "deed"]),
        tests("JSON"),
        tests("Configuration", ["Supervision", "SafeSwitch", "JSON"]),
        tests("Linux"),
        tests("Systemd"),
        tests("Ledger", ["Linux", "JSON", "ledger-soak"]),
        tests("Records", ["Supervision", "SafeSwitch", "JSON", "Ledger"]),
        tests("Control", ["Linux", "JSON"]),
        tests(
            "Probing", ["Configuration", "JSON", "Linux", "Supervision", "Worker", "look"]),
        tests("Worker", ["Configuration", "JSON", "Linux", "Supervision"]),
        tests(
            "Network",
            [
                "Worker", "Configuration", "Supervision", "Linux", "JSON", "regen-net",
                "sandbox-trial",
            ], exclude: ["mailbox.py", "strangers.py"]),
        tests(
            "Daemon",
            [
                "Configuration", "Supervision", "Systemd", "Control", "Ledger", "Linux", "JSON",
                "regen", "regend",
                "regen-net",
            ], exclude: ["slow-exec.py"]),
        tests(
            "Commands",
            [
                "Configuration", "Control", "Ledger", "Linux", "JSON", "Records", "SafeSwitch",
                "Supervision", "Systemd", "regen",
            ],
            exclude: ["Snapshots"]),
        .testTarget(name: "HouseTests", swiftSettings: strict),
        .testTarget(
            name: "NixTests", dependencies: ["regen"], exclude: ["Nix"], swiftSettings: strict),
        .testTarget(
            name: "ContainerTests",
            dependencies: [
                "Linux", "JSON", "Systemd", "Supervision", "Configuration", "Daemon", "regen",
                "regend", "regen-net",
            ],
            exclude: ["make-rootfs"], swiftSettings: strict),
        .testTarget(
            name: "VMTests", dependencies: ["JSON", "regen", "regend", "regen-net"],
            exclude: ["make-vm", "guest"], swiftSettings: strict),
        .testTarget(
            name: "SimulationTests", dependencies: ["Supervision", "SafeSwitch", "Records"],
            swiftSettings: strict),
        .executableTarget(
            name: "sandbox-trial", dependencies: ["Linux"], path: "Tests/SandboxTrial",
            swiftSettings: strict),
        .executableTarget(
            name: "ledger-soak", dependencies: ["Ledger", "Linux"], path: "Tests/LedgerSoak",
            swiftSettings: strict),
        .executableTarget(
            name: "deed", dependencies: ["NixOS", "SafeSwitch", "Linux"], path: "Tests/Deed",
            swiftSettings: strict),
        .executableTarget(
            name: "look", dependencies: ["Probing", "Linux"], path: "Tests/Look",
            swiftSettings: strict),
        .executableTarget(
            name: "ledger-bench", dependencies: ["Ledger", "Linux"], path: "Benchmarks/ledger/Room",
            swiftSettings: strict),
    ]
)

import Foundation
import Testing

/// A machine that is like a NixOS as far as booting and switching go: its units are those of the generation that
/// runs, and it boots what its boot loader has as its default (examples/stand-in).
struct NixOS {
    /// The generations' systems, as paths in the store: the first one is booted.
    let good: String
    let bad: String
    let worse: String

    private static let standIns = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appending(path: "../../examples/stand-in").standardized.path
    private static let regen = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appending(path: "../../examples/systemd/regen.service").standardized.path

    /// What NixOS's init does before systemd, and Debian's does not: the system that is booted is activated, and
    /// its units are systemd's. What the ledger was before anybody repaired it is kept for the test.
    private static let prepare = """
        #!/bin/bash
        cp -a /var/lib/regen /run/regen-before
        [ -L /etc/systemd/system ] || mv /etc/systemd/system /etc/systemd/system.debian
        mkdir -p /stand-in
        : >/etc/NIXOS
        /srv/boot /
        for unit in web regen; do
            mkdir -p /run/systemd/system/multi-user.target.wants
            ln -sfn /etc/systemd/system/$unit.service /run/systemd/system/multi-user.target.wants/
        done
        exit 0

        """

    /// Makes them on a machine's disk, the first one the profile's only generation. `web` are what their
    /// `web.service` run, shell scripts.
    init(on disk: String, _ yaml: String, good: String, bad: String, worse: String) throws {
        try VirtualMachine.write(Self.prepare, to: "\(disk)/prepare")
        try VirtualMachine.write(yaml, to: "\(disk)/etc/regen/regen.yaml")
        let unit = try String(contentsOfFile: Self.regen, encoding: .utf8)
            .replacing("/usr/local/bin/regen", with: "/opt/regen/regen")
            .replacing("[Service]", with: "[Service]\nDelegateSubgroup=daemon")
        try VirtualMachine.write(unit, to: "\(disk)/regen.service")
        try VirtualMachine.host(["mkdir", "-p", "\(disk)/srv"])
        try VirtualMachine.host([
            "cp", "\(Self.standIns)/boot", "\(Self.standIns)/new-generation", "\(disk)/srv",
        ])
        let make = { (name: String, web: String) in
            try VirtualMachine.write("#!/bin/sh\n\(web)\n", to: "\(disk)/web")
            let system = try VirtualMachine.host([
                "\(Self.standIns)/new-system", disk, name, "--service", "web=\(disk)/web",
                "--unit", "regen.service=\(disk)/regen.service",
            ])
            return String(system.dropLast())
        }
        self.good = try make("good", good)
        self.bad = try make("bad", bad)
        self.worse = try make("worse", worse)
        try VirtualMachine.host(["\(Self.standIns)/new-generation", disk, self.good, "--set"])
    }

    /// A deployment with `nixos-rebuild switch`, which goes on by itself.
    func deploy(_ system: String, on machine: VirtualMachine) throws {
        try machine.shell(
            """
            /srv/new-generation '' '\(system)' --set
            systemd-run --collect --quiet --unit=nixos-rebuild-switch-to-configuration \
                '\(system)/bin/switch-to-configuration' switch
            """)
    }
}

extension VirtualMachine {
    /// The system that runs, of a NixOS.
    var current: String {
        get throws { String(try shell("readlink -f /run/current-system").dropLast()) }
    }
}

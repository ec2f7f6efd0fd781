import Foundation
import Glibc
import Linux
import NixOS
import SafeSwitch
import Testing

/// What a stand-in's switch-to-configuration has in common with NixOS's: other tests build on it.
@Suite("a stand-in") struct StandInTests {
    let machine: StandIns
    let first: String
    let second: String

    init() throws {
        machine = try StandIns()
        (first, second) = try machine.twoGenerations()
        try machine.boot()
    }

    private var bootDefault: String? {
        let text = try? machine.text("/boot/loader/loader.conf")
        return text?.split(separator: "\n").last { $0.hasPrefix("default ") }.map { String($0) }
    }

    /// A knob of the whole machine.
    private func turn(_ knob: String, _ value: String = "", mode: Int = 0o644) throws {
        try machine.write("/stand-in/\(knob)", value, mode: mode)
    }

    @Test(
        "switch makes it the boot default and the running system; test only the latter; boot the former"
    )
    func actions() throws {
        #expect(machine.current == second)
        #expect(try machine.activate(first, "test") == 0)
        #expect(machine.current == first)
        #expect(bootDefault == nil)
        #expect(try machine.activate(second, "boot") == 0)
        #expect(machine.current == first)
        #expect(bootDefault == "default nixos-generation-2.conf")
        #expect(try machine.activate(first, "switch") == 0)
        #expect(bootDefault == "default nixos-generation-1.conf")
        #expect(machine.link("/run/booted-system") == "..\(second)")
        try machine.boot()
        #expect(machine.link("/run/booted-system") == "..\(first)")
    }

    @Test("one that dies while it activates has changed the boot default only; the next finishes")
    func dies() throws {
        try turn("die-at-activate", "TERM")
        #expect(try machine.activate(first, "switch") != 0)
        #expect(machine.current == second)
        #expect(bootDefault == "default nixos-generation-1.conf")
        #expect(try machine.activate(first, "switch") == 0, "it dies once")
        #expect(machine.current == first)
    }

    @Test("a snippet that fails is 2, and the system is switched all the same")
    func snippet() throws {
        try turn("fail-at-activate")
        #expect(try machine.activate(first, "switch") == 2)
        #expect(machine.current == first)
    }

    @Test("a failed unit is 4, whoever it belongs to, and hides a failed snippet")
    func failedUnit() throws {
        try turn("fail-at-activate")
        try turn("failed-units", "stranger.service")
        #expect(try machine.activate(first, "switch") == 4)
        #expect(machine.current == first)
    }

    @Test(
        "what an interrupted run was about to start is started by the next, and fails there with 4")
    func leftovers() throws {
        try machine.write("/web", "#!/bin/sh\n")
        let third = try machine.system("three", "--service", "web=\(machine.root)/web")
        try turn("die-at-activate", "KILL")
        #expect(try machine.activate(third, "test") != 0)
        #expect(machine.exists("/run/nixos/start-list"))
        #expect(try machine.activate(second, "test") == 4)
        #expect(!machine.exists("/run/nixos/start-list"))
        #expect(try machine.activate(second, "test") == 0)
    }

    @Test("a check or the boot loader that fails is 1, and nothing is activated")
    func one() throws {
        try turn("fail-at-boot-loader")
        #expect(try machine.activate(first, "switch") == 1)
        #expect(try machine.activate(first, "test") == 0, "test asks no boot loader")
        #expect(try machine.activate(second, "test") == 0)
        try turn("fail-at-check")
        #expect(try machine.activate(first, "test") == 1)
        #expect(machine.current == second)
        #expect(try machine.activate(first, "test", ["NIXOS_NO_CHECK": "1"]) == 0)
    }

    @Test("an inhibitor that differs is 1 for switch and test, not for boot, and can be overridden")
    func inhibitors() throws {
        let dbus = try machine.system("dbus", "--inhibitor", "dbus=dbus")
        let broker = try machine.system("broker", "--inhibitor", "dbus=broker")
        #expect(try machine.activate(dbus, "test") == 0, "a key that only one of them has is none")
        #expect(try machine.activate(broker, "test") == 1)
        #expect(try machine.activate(broker, "switch") == 1)
        #expect(try machine.activate(broker, "boot") == 0)
        #expect(machine.current == dbus)
        #expect(try machine.activate(broker, "test", ["NIXOS_NO_CHECK": "1"]) == 0)
        #expect(machine.current == broker)
    }

    @Test("another init interface is 100, when the boot default has been changed already")
    func interface() throws {
        let other = try machine.system("other", "--init-interface", "3")
        try machine.generation(other)
        #expect(try machine.activate(other, "switch") == 100)
        #expect(machine.current == second)
        #expect(bootDefault == "default nixos-generation-3.conf")
    }

    @Test(
        "while one runs another is 11; it holds the lock itself, and outlives whoever read its output"
    )
    func busy() throws {
        try turn("wait-at-activate")
        let pipe = Pipe()
        let process = Process()
        process.executableURL = URL(
            filePath: "\(machine.root)\(first)/bin/switch-to-configuration")
        process.arguments = ["switch"]
        process.environment = [
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "REGEN_ROOT": machine.root,
        ]
        process.standardError = pipe
        try process.run()
        try machine.until("it activates") { machine.exists("/stand-in/at-activate") }
        #expect(try machine.activate(second, "switch") == 11)
        var lock = stat()
        stat(machine.root + "/run/nixos/switch-to-configuration.lock", &lock)
        let locks = try String(contentsOfFile: "/proc/locks", encoding: .utf8)
        let ours = locks.split(separator: "\n").first { $0.contains(":\(lock.st_ino) ") }
        #expect(ours?.contains(" \(process.processIdentifier) ") == true)
        try pipe.fileHandleForReading.close()
        try turn("go-activate")
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        #expect(machine.current == first)
    }

    @Test("a service's version is exchanged, as seen from outside of the root")
    func service() throws {
        for version in ["1", "2"] {
            try machine.write("/web-\(version)", "#!/bin/sh\necho version \(version)\n")
            let system = try machine.system(
                "v\(version)", "--service", "web=\(machine.root)/web-\(version)")
            #expect(try machine.activate(system, "test") == 0)
            let web = machine.root + "/run/current-system/sw/bin/web"
            #expect(try machine.run([web]) == "version \(version)")
        }
    }

    @Test("its scripts are plain shell", .enabled(if: hasShellcheck, "needs shellcheck"))
    func plain() throws {
        let scripts = StandIns.scripts
        let systems = ["activate", "init", "nixos-version", "switch-to-configuration"]
        let paths = ["new-system", "new-generation", "boot"] + systems.map { "system/\($0)" }
        try machine.run(["shellcheck", "-s", "sh"] + paths.map { "\(scripts)/\($0)" })
    }

    @Test("the same orders make the same path")
    func reproducible() throws {
        #expect(try machine.system("one") == first)
        #expect(try machine.system("one", "--kernel", "6.6.1") != first)
    }
}

@Suite("the command that activates") struct ActivationCommandTests {
    @Test("names all that the program gets, and no more")
    func environment() {
        let plain = ActivationCommand(
            root: SystemRoot("/"), system: "/nix/store/a-nixos-system-x", activation: .test,
            flight: 7, localeArchive: nil)
        #expect(
            plain.command == ["/nix/store/a-nixos-system-x/bin/switch-to-configuration", "test"])
        #expect(
            plain.environment.map { $0.split(separator: "=")[0] }
                == ["PATH", "NIXOS_INSTALL_BOOTLOADER", "REGEN_SWITCH"])
        let rooted = ActivationCommand(
            root: SystemRoot("/demo"), system: "/nix/store/a-nixos-system-x", activation: .boot,
            flight: 8, localeArchive: "/l")
        #expect(
            rooted.command == [
                "/demo/nix/store/a-nixos-system-x/bin/switch-to-configuration", "boot",
            ])
        #expect(
            rooted.environment.dropFirst()
                == [
                    "NIXOS_INSTALL_BOOTLOADER=0", "LOCALE_ARCHIVE=/l", "REGEN_ROOT=/demo",
                    "REGEN_SWITCH=8",
                ])
        #expect(ActivationCommand.flight(in: plain.environment, root: SystemRoot("")) == 7)
        #expect(ActivationCommand.flight(in: rooted.environment, root: SystemRoot("/demo")) == 8)
        #expect(ActivationCommand.flight(in: rooted.environment, root: SystemRoot("")) == nil)
        #expect(ActivationCommand.flight(in: ["PATH=/"], root: SystemRoot("")) == nil)
    }

    @Test(
        "runs it in a session of its own, with its output in a file, and it is found again by its mark"
    )
    func runs() throws {
        let machine = try StandIns()
        let (first, _) = try machine.twoGenerations()
        try machine.boot()
        try machine.write("/stand-in/wait-at-activate")
        let root = SystemRoot(machine.root)
        let command = ActivationCommand(
            root: root, system: first, activation: .switch, flight: 3, localeArchive: nil)
        let log = ActivationCommand.log(state: machine.root + "/state", flight: 3)
        try machine.write("/state/switch/other")
        var ingredients = SpawnPlan.Ingredients(
            command: command.command, environment: command.environment)
        ingredients.output = .ownFile(log)
        let null = try OwnedFD.null()
        let child = try SpawnPlan(ingredients, null: null.raw).spawn(attempt: 1)
        let pid = child.pid
        let pidfd = child.takePidFD()
        try machine.until("it activates") { machine.exists("/stand-in/at-activate") }
        let marked = ProcessTable.all().filter { process in
            process.session == process.pid
                && ActivationCommand.flight(
                    in: ProcessTable.environment(process.pid), root: root) == 3
        }
        #expect(marked.map(\.pid) == [pid])
        try machine.write("/stand-in/go-activate")
        #expect(try pidfd.hasEnded(within: 20_000))
        #expect(pidfd.reap() == .exited(0))
        #expect(machine.current == first)
        #expect(try machine.text("/state/switch/3.log").contains("activating the configuration"))
    }
}

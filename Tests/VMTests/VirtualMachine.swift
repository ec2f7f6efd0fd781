import Foundation
import Glibc
import Testing

/// A machine of QEMU's, emulated: a Debian with its own kernel, systemd 257, a hardware watchdog and a disk
/// of its own whose cache loses what was not flushed. It is gone when the test is over.
///
/// To be made and used in one synchronous function: it ends with the thread that made it.
final class VirtualMachine {
    /// Why there can be none here; `nil`: there can.
    static var obstacle: String? {
        guard geteuid() == 0 else { return "making a machine's disks needs root" }
        for program in ["/usr/bin/qemu-system-x86_64", "/usr/sbin/mke2fs", "/usr/bin/setpriv"]
        where access(program, X_OK) != 0 { return "there is no \(program)" }
        guard FileManager.default.fileExists(atPath: "\(home)/recipe") else {
            return "no \(home); as root: Tests/VMTests/make-vm"
        }
        return nil
    }

    /// What `make-vm` has made.
    private static let home =
        ProcessInfo.processInfo.environment["REGEN_VM"] ?? "/var/tmp/regen-vm"
    private static let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path

    /// How long anything may take, in seconds: a boot takes a quarter of a minute where nothing else runs.
    static let patience = 600.0

    /// What its time is.
    enum Time {
        /// The host's: a busy host gives it less of everything in a second. With two processors.
        case host
        /// Counted in instructions while it works, and the host's while it waits: a busy host makes all of it
        /// slower, also its clock and its watchdog. With one processor.
        case instructions

        fileprivate var arguments: [String] {
            switch self {
            case .host: ["-smp", "2"]
            // Eight nanoseconds each: about what an emulated processor does that starts programs all the time.
            case .instructions: ["-smp", "1", "-icount", "shift=3"]
            }
        }
    }

    /// Of the host: the disks, QEMU's sockets and the console.
    let directory: String
    private let time: Time
    /// Words for its kernel.
    private let options: String
    private var qemu = Process()
    private var agent: Line?
    private var events: Line?
    private var serial = 0
    /// How long the last boot took, in seconds.
    private(set) var bootTime = 0.0
    private var bootID = ""
    private let begin = Date()
    private static let isTraced = ProcessInfo.processInfo.environment["REGEN_VM_TRACE"] != nil

    /// Boots one. `prepare` is given a directory that becomes its disk: `etc/regen`, `var/lib/regen`, `srv`,
    /// `nix` and `usr/local` are there what they are in the machine, and `prepare` is run before systemd.
    init(
        _ time: Time, options: String = "", _ prepare: (_ disk: String) throws -> Void
    ) throws {
        self.time = time
        self.options = options
        directory = "/tmp/regen-vm-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(
            atPath: "\(directory)/disk/etc/regen", withIntermediateDirectories: true)
        try prepare("\(directory)/disk")
        try makeState()
        try makePrograms()
        try Self.host(["cp", "--sparse=always", state, initialState])
        try boot()
    }

    /// Boots from that disk, with the programs of another machine.
    init(disk: String, like other: VirtualMachine) throws {
        time = other.time
        options = other.options
        directory = "/tmp/regen-vm-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: false)
        try Self.host(["mv", disk, state])
        // What its journal does for the one, this does for the other, as at any boot.
        try Self.host(["sh", "-c", "e2fsck -fy '\(state)?offset=\(Self.unordered)' || [ $? = 1 ]"])
        try Self.host(["ln", "\(other.directory)/programs", "\(directory)/programs"])
        try boot()
    }

    deinit {
        cut()
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// Its disk, as it would be were nothing ever lost.
    var state: String { "\(directory)/state" }
    /// The same as it was made.
    var initialState: String { "\(directory)/initial" }
    /// What QEMU has noted of each write and each flush since it was started.
    var writes: String { "\(directory)/writes" }

    // MARK: - What it is given

    /// The programs under test, the libraries that they were linked with, and what the guest runs.
    private func makePrograms() throws {
        let built = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
            .deletingLastPathComponent().path
        let programs = ["regen", "regend", "regen-net"].map { "\(built)/\($0)" }
        let listed = try Self.host(["ldd"] + programs)
        // The C library is the machine's own, and so is what has to fit systemd.
        let itsOwn = /.*\/(libc|libm|libdl|libpthread|librt|libresolv|libsystemd)\.so\.\d+/
        let libraries = Set(listed.matches(of: /=> (\/\S+)/).map { String($0.1) })
            .filter { $0.wholeMatch(of: itsOwn) == nil }
        let folder = "\(directory)/opt"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: false)
        let guest = ["boot", "agent", "agent.service"].map { "\(Self.here)/guest/\($0)" }
        try Self.host(["cp", "-L"] + programs + libraries.sorted() + guest + [folder])
        let image = "\(directory)/programs"
        try Self.host(["mke2fs", "-q", "-t", "ext4", "-d", folder, image, "512M"])
        try FileManager.default.removeItem(atPath: folder)
    }

    /// Where the third disk's second file system begins: one that keeps no order, neither of data nor of its
    /// own. `unordered-ledger` has the state directory on it (guest/boot).
    private static let unordered = 256 << 20

    private func makeState() throws {
        let mke2fs = ["mke2fs", "-q", "-F", "-t", "ext4"]
        try Self.host(mke2fs + ["-d", "\(directory)/disk", state, "\(Self.unordered >> 20)M"])
        try Self.host(["truncate", "--size=+32M", state])
        try Self.host(
            mke2fs + [
                "-O", "^has_journal,^metadata_csum", "-E",
                "offset=\(Self.unordered),nodiscard,lazy_itable_init=0", state, "32M",
            ])
    }

    private func boot() throws {
        unlink(writes)
        _ = FileManager.default.createFile(atPath: writes, contents: nil)
        qemu = Process()
        qemu.executableURL = URL(fileURLWithPath: "/usr/bin/setpriv")
        qemu.arguments =
            [
                "--pdeathsig", "KILL", "qemu-system-x86_64", "-nodefaults", "-no-user-config",
                "-display", "none", "-machine", "q35,accel=tcg", "-cpu", "max",
                "-m", "768", "-device", "i6300esb", "-serial",
                "file:\(directory)/console",
                "-kernel", "\(Self.home)/vmlinuz", "-initrd", "\(Self.home)/initrd", "-append",
                // A machine that is emulated slowly fails the kernel's test of its timer.
                "console=ttyS0 quiet panic=1 no_timer_check mitigations=off systemd.show_status=0 "
                    + Self.unwanted.map { "systemd.mask=\($0) " }.joined() + options,
                "-device", "virtio-serial-pci",
                "-chardev", "socket,id=agent,path=\(directory)/agent,server=on,wait=off",
                "-device", "virtserialport,chardev=agent,name=agent",
                "-qmp", "unix:\(directory)/qmp,server=on,wait=off",
            ] + time.arguments + disks
        qemu.environment = ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"]
        let messages = "\(directory)/qemu"
        _ = FileManager.default.createFile(atPath: messages, contents: nil)
        qemu.standardOutput = FileHandle(forWritingAtPath: messages)
        qemu.standardError = qemu.standardOutput
        qemu.standardInput = FileHandle.nullDevice
        try qemu.run()
        agent = try Line(to: "\(directory)/agent", patience: 60)
        events = try Line(to: "\(directory)/qmp", patience: 60)
        try events?.say(#"{"execute":"qmp_capabilities"}"#)
        try untilUp()
    }

    /// The first disk forgets at the end of QEMU whatever was written, the second cannot be written, and of
    /// the third everything is noted in order: what is flushed when, too (docs/testing-in-a-vm.md).
    private var disks: [String] {
        let root = "file=\(Self.home)/disk.ext4,format=raw,snapshot=on"
        let programs = "file=\(directory)/programs,format=raw,readonly=on"
        let file = "driver=file,cache.no-flush=on"
        return [
            "-drive", "if=none,id=root,\(root)", "-device", "virtio-blk-pci,drive=root",
            "-drive", "if=none,id=programs,\(programs)",
            "-device", "virtio-blk-pci,drive=programs",
            "-blockdev", "\(file),node-name=disk,filename=\(state)",
            "-blockdev", "\(file),node-name=writes,filename=\(writes)",
            "-blockdev",
            "driver=blklogwrites,node-name=state,file=disk,log=writes,log-sector-size=512",
            "-device",
            "virtio-blk-pci,drive=state,write-cache=on,discard=off,write-zeroes=off",
        ]
    }

    /// What Debian starts and nobody here needs: a boot is slow enough.
    private static let unwanted = [
        "systemd-logind.service", "getty.target", "dev-hugepages.mount", "dev-mqueue.mount",
        "sys-kernel-debug.mount", "sys-kernel-tracing.mount", "sys-kernel-config.mount",
        "sys-fs-fuse-connections.mount", "modprobe@configfs.service", "modprobe@drm.service",
        "modprobe@efi_pstore.service", "modprobe@fuse.service", "kmod-static-nodes.service",
        "systemd-random-seed.service", "systemd-update-utmp.service", "apt-daily.timer",
        "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "fstrim.timer",
        "systemd-tmpfiles-clean.timer", "systemd-journal-flush.service",
    ]

    // MARK: - What it answers

    /// Waits until the agent says that it is there, and then for systemd.
    private func untilUp() throws {
        let begin = Date()
        try untilReady()
        try until("systemd has started everything") {
            let state = try self.run("systemctl is-system-running --wait").output
            return state.hasPrefix("running") || state.hasPrefix("degraded")
        }
        bootTime = Date().timeIntervalSince(begin)
        print("VM: up after \(Int(bootTime)) s")
    }

    /// Waits until the agent of another boot than the last one says that it is there.
    private func untilReady() throws {
        let deadline = Date().addingTimeInterval(Self.patience)
        while true {
            guard let line = agent?.next(before: deadline) else {
                throw Overdue(what: "the machine is up", story: story)
            }
            let words = line.split(separator: " ")
            guard words.first == "ready", words.count == 2, words[1] != bootID else { continue }
            bootID = String(words[1])
            return
        }
    }

    /// Runs a script in it and returns what it prints, at most its last 500,000 bytes. Its status is for the
    /// caller to judge.
    @discardableResult
    func run(_ script: String) throws -> (status: Int32, output: String) {
        serial += 1
        if Self.isTraced { print("VM: \(Date().timeIntervalSince(begin)) \(script.prefix(100))") }
        let line = script.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
        try agent?.say("\(serial) \(line)")
        let deadline = Date().addingTimeInterval(Self.patience)
        while true {
            guard let line = agent?.next(before: deadline) else {
                throw Overdue(what: "the machine answers: \(script)", story: console)
            }
            let words = line.split(separator: " ")
            if words.first == "ready", words.last.map(String.init) != bootID {
                throw Overdue(what: "\(script): the machine was reset", story: console)
            }
            guard words.first == "\(serial)", words.count >= 2 else { continue }
            let output = Data(base64Encoded: words.count > 2 ? String(words[2]) : "") ?? Data()
            return (Int32(words[1]) ?? -1, String(decoding: output, as: UTF8.self))
        }
    }

    /// What a shell in it prints; it must end with 0.
    @discardableResult
    func shell(_ script: String, at: SourceLocation = #_sourceLocation) throws -> String {
        let (status, output) = try run("set -e; \(script)")
        try #require(status == 0, "\(script): \(output)", sourceLocation: at)
        return output
    }

    /// The end of the power: QEMU is no more.
    func cut() {
        agent = nil
        events = nil
        guard qemu.isRunning else { return }
        kill(qemu.processIdentifier, SIGKILL)
        qemu.waitUntilExit()
    }

    // MARK: - Resets

    /// How often the watchdog has reset it since QEMU was started, as QEMU tells.
    var resets: Int {
        while hear(before: Date()) {}
        return bites
    }
    private var bites = 0

    /// Takes one message of QEMU's; false: there was none in time.
    private func hear(before deadline: Date) -> Bool {
        guard let line = events?.next(before: deadline) else { return false }
        if line.contains("\"WATCHDOG\"") { bites += 1 }
        return true
    }

    /// Waits until the watchdog has reset it once more than so often, and it is up again.
    func untilReset(after times: Int) throws {
        let deadline = Date().addingTimeInterval(Self.patience)
        while bites <= times {
            guard hear(before: deadline) else {
                throw Overdue(what: "it is reset", story: story)
            }
        }
        try untilUp()
    }

    /// A script that lets it say the time from now on, by its own clock, until it is reset.
    static let ticking = """
        setsid bash -c 'while :; do echo tick $EPOCHREALTIME; sleep 0.5; done' >/dev/ttyS0 2>&1 &
        """

    /// What it has said since it was first told to, in seconds since 1970.
    var ticks: [Double] {
        let text = (try? String(contentsOfFile: "\(directory)/console", encoding: .utf8)) ?? ""
        return text.matches(of: /tick (\d+\.\d{6})/).compactMap { Double($0.1) }
    }

    // MARK: - Waiting

    /// Waits until `condition` holds; fails the test when it does not in time.
    func until(
        _ what: String, for patience: Double = patience, _ condition: () throws -> Bool
    ) throws {
        let deadline = Date().addingTimeInterval(patience)
        while try !condition() {
            if Date() > deadline { throw Overdue(what: what, story: story) }
            // Each look takes the machine from what it is looked at for.
            usleep(300_000)
        }
    }

    /// What a person would want to read when a test fails.
    private var story: String {
        let journal = try? run("journalctl -u regen -n 60 --no-pager -o short-monotonic").output
        return "\(console)\njournal:\n\(journal ?? "")"
    }

    private var console: String {
        let text = { (name: String) in
            (try? String(contentsOfFile: "\(self.directory)/\(name)", encoding: .utf8)) ?? ""
        }
        return "console:\n\(text("console").suffix(3000))\n\(text("qemu").suffix(1000))"
    }

    struct Overdue: Error, CustomStringConvertible {
        let what: String
        let story: String
        var description: String { "did not come about: \(what)\n\(story)" }
    }

    /// Runs a command of the host's, which must end well, and returns what it prints.
    @discardableResult
    static func host(_ command: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.environment = ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"]
        let output = Pipe()
        process.standardOutput = output
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "\(command)")
        return String(decoding: text, as: UTF8.self)
    }
}

import Foundation
import Glibc
import Linux
import NixOS
import SafeSwitch
import Testing

@Suite("a look at the machine's generations")
struct LandscapeTests {
    let machine: Machine

    init() throws { machine = try Machine() }

    @Test("a machine without a system profile is an empty landscape")
    func empty() throws {
        #expect(try machine.landscape() == Landscape())
        try machine.remove("/nix")
        #expect(try machine.landscape() == Landscape())
    }

    @Test("a root that is not there is an error, not an empty machine")
    func noRoot() throws {
        #expect(throws: SystemError.self) { try Surveyor(root: SystemRoot("/nowhere/at/all")) }
    }

    @Test("a profiles' directory that cannot be read is an error, not an empty machine")
    func unreadable() throws {
        try machine.remove(Machine.profiles)
        try machine.write(Machine.profiles)
        #expect(throws: SystemError.self) { try machine.landscape() }
    }

    @Test("generations are the numbered links, lowest first; other names are none")
    func names() throws {
        let a = try machine.system("a-nixos-system")
        let b = try machine.system("b-nixos-system")
        try machine.generation(10, b, date: 1_790_000_010)
        try machine.generation(9, a, date: 1_790_000_009)
        for junk in [
            "system", "system-x-link", "system-01-link", "system--3-link", "system-4-link.tmp",
            "system-0-link", "system-99999999999999999999-link", "per-user", "default-3-link",
            "system-5-link-link", "system-+7-link", "system--link", "système-3-link",
        ] { try machine.link("\(Machine.profiles)/\(junk)", a) }
        try machine.directory("\(Machine.profiles)/system-8-link")
        try machine.write("\(Machine.profiles)/system-7-link", "no link")

        let landscape = try machine.landscape()
        #expect(
            landscape.generations == [
                Generation(number: 9, path: a, date: 1_790_000_009),
                Generation(number: 10, path: b, date: 1_790_000_010),
            ])
        #expect(landscape.systems.map(\.path).sorted() == [a, b])
    }

    @Test("the boot default is the number in the profile's link, relative or absolute")
    func profileLink() throws {
        let profile = "\(Machine.profiles)/system"
        let cases: [(String, Int?)] = [
            ("system-42-link", 42), ("./system-42-link", 42),
            ("/nix/var/nix/profiles/system-42-link", 42),
            ("/nix/var/nix/profiles/../profiles/system-42-link", 42),
            ("/elsewhere/system-42-link", nil), ("/nix/store/a-nixos-system", nil),
            ("system-x-link", nil), ("system", nil),
        ]
        for (target, number) in cases {
            try machine.link(profile, target)
            #expect(try machine.landscape().defaultGeneration == number, "\(target)")
        }
        try machine.remove(profile)
        try machine.directory(profile)
        #expect(try machine.landscape().defaultGeneration == nil)
    }

    @Test("after a test what runs is not the profile, after a boot the profile is not what runs")
    func links() throws {
        let a = try machine.system("a-nixos-system")
        let b = try machine.system("b-nixos-system")
        let built = try machine.system("c-nixos-system-test-build")
        try machine.generation(1, a)
        try machine.generation(2, b)
        try machine.generation(3, a)
        try machine.makeDefault(2)
        try machine.makeCurrent(built)
        try machine.link("/run/booted-system", a)

        let landscape = try machine.landscape()
        #expect(landscape.defaultGeneration == 2)
        #expect(landscape.current == built)
        #expect(landscape.booted == a)
        #expect(landscape.generations(of: built).isEmpty)
        #expect(landscape.generations(of: a).map(\.number) == [1, 3])
        #expect(landscape.system(built)?.defects == [])
    }

    @Test(
        "what runs inside a specialisation is found in its parent's generation, and has no children"
    )
    func specialisations() throws {
        let parent = try machine.system("p-nixos-system")
        let child = try machine.system("c-nixos-system-travel")
        try machine.link("\(parent)/specialisation/travel", child)
        try machine.link("\(parent)/specialisation/gone", "/nix/store/gone-nixos-system")
        try machine.link("\(child)/specialisation/again", parent)
        try machine.generation(1, parent)
        try machine.makeDefault(1)
        try machine.makeCurrent("\(Machine.profiles)/system/specialisation/travel")

        let landscape = try machine.landscape()
        #expect(landscape.current == child)
        #expect(landscape.generations(of: child).map(\.number) == [1])
        #expect(
            landscape.system(parent)?.specialisations == [
                .init(name: "gone", path: "/nix/store/gone-nixos-system"),
                .init(name: "travel", path: child),
            ])
        #expect(landscape.system("/nix/store/gone-nixos-system")?.defects == [.missing])
        #expect(Set(landscape.systems.map(\.path)).count == landscape.systems.count)
    }

    @Test("last-known-good is a profile of its own, dangling or not")
    func knownGood() throws {
        let a = try machine.system("a-nixos-system")
        let directory = "\(Machine.profiles)/system-profiles"
        try machine.link("\(directory)/last-known-good", "last-known-good-3-link")
        try machine.link("\(directory)/last-known-good-3-link", a)
        #expect(try machine.landscape().knownGoodProfile == a)
        #expect(try machine.landscape().system(a)?.version == "26.05.a-nixos-system")
        try machine.remove(a)
        #expect(try machine.landscape().knownGoodProfile == a)
        #expect(try machine.landscape().system(a)?.defects == [.missing])
    }

    @Test("all that is known of a system")
    func facts() throws {
        let a = try machine.system("a-nixos-system", kernel: "6.12.1")
        try machine.directory("/nix/store/k6.12.1-modules/lib/modules/6.12.1-other")
        try machine.write(
            "\(a)/switch-inhibitors", #"{"dbus-implementation":"broker","a":"1","odd":7}"#)
        try machine.write(
            "\(a)/sw/bin/nixos-version",
            "case $1 in\n--json)\ncat <<EOF\n{\"configurationRevision\":\"0a1b-dirty\"}\nEOF\nesac")
        try machine.generation(1, a)

        var expected = NixSystem(path: a)
        expected.version = "26.05.a-nixos-system"
        expected.kernelVersion = "6.12.1"
        expected.revision = "0a1b-dirty"
        expected.kernel = NixSystem.KernelTriple(
            kernel: "/nix/store/k6.12.1-linux/bzImage",
            initrd: "/nix/store/k6.12.1-initrd/initrd", modules: "/nix/store/k6.12.1-modules")
        expected.systemd = "/nix/store/s1-systemd"
        expected.initInterface = "systemd 2"
        expected.inhibitors = [
            .init(key: "a", value: "1"), .init(key: "dbus-implementation", value: "broker"),
        ]
        #expect(try machine.landscape().systems == [expected])
    }

    @Test("the configuration's revision is also found where the script only names the JSON")
    func revisionElsewhere() throws {
        let a = try machine.system("a-nixos-system")
        try machine.generation(1, a)
        #expect(try machine.landscape().systems[0].revision == nil)
        try machine.write("\(a)/sw/bin/nixos-version", "--json)\n cat /nix/store/j-version.json\n")
        #expect(try machine.landscape().systems[0].revision == nil)
        try machine.write(
            "/nix/store/j-version.json", #"{"a":1,"configurationRevision":"feed","b":2}"#)
        #expect(try machine.landscape().systems[0].revision == "feed")
    }

    @Test("a revision that was never filled in is none")
    func noRevision() throws {
        let a = try machine.system("a-nixos-system")
        try machine.generation(1, a)
        try machine.write(
            "\(a)/sw/bin/nixos-version", #"{"configurationRevision":"@configurationRevision@"}"#)
        #expect(try machine.landscape().systems[0].revision == nil)
    }

    @Test("where a container runs, whose system has no kernel, none needs one")
    func container() throws {
        let paths = try ["a", "b"].map { try machine.system("\($0)-nixos-system") }
        for (index, path) in paths.enumerated() {
            try machine.remove("\(path)/kernel")
            try machine.generation(index + 1, path)
        }
        #expect(try machine.landscape().systems.map(\.defects) == [[.noKernel], [.noKernel]])
        try machine.link("/run/current-system", paths[1])
        #expect(try machine.landscape().systems.map(\.defects) == [[], []])
        // But where one was booted that has, this is no container.
        let booted = try machine.system("c-nixos-system")
        try machine.link("/run/booted-system", booted)
        #expect(try machine.landscape().system(paths[1])?.defects == [.noKernel])
    }

    @Test("what a system lacks is told, each thing by itself")
    func defects() throws {
        let cases: [(String, NixSystem.Defect)] = [
            ("nixos-version", .notNixOS), ("bin/switch-to-configuration", .cannotSwitch),
            ("init", .noInit), ("kernel", .noKernel), ("activate", .noActivation),
        ]
        for (index, (part, defect)) in cases.enumerated() {
            let path = try machine.system("s\(index)-nixos-system")
            try machine.remove("\(path)/\(part)")
            try machine.generation(index + 1, path)
            #expect(try machine.landscape().system(path)?.defects == [defect], "\(part)")
        }
        let path = try machine.system("n-nixos-system")
        try machine.generation(20, path)
        try #require(chmod("\(machine.root)\(path)/bin/switch-to-configuration", 0o644) == 0)
        #expect(try machine.landscape().system(path)?.defects == [.cannotSwitch])
        try machine.remove("/nix/store/k6.12.1-linux")
        #expect(try machine.landscape().system(path)?.defects == [.cannotSwitch, .noKernel])
    }

    @Test("a system in no profile is looked at where it is asked for, whole, broken or not there")
    func asked() throws {
        let runs = try machine.system("runs-nixos-system")
        try machine.generation(1, runs)
        try machine.makeCurrent(runs)
        let built = try machine.system("built-nixos-system")
        let surveyor = try machine.surveyor()
        #expect(try surveyor.landscape().system(built) == nil)
        let seen = try surveyor.landscape(also: built)
        #expect(seen.system(built)?.defects == [])
        #expect(seen.system(built)?.initInterface == seen.system(runs)?.initInterface)
        #expect(seen.generations.map(\.path) == [runs])
        try machine.remove("\(built)/activate")
        #expect(try surveyor.landscape(also: built).system(built)?.defects == [.noActivation])
        for path in ["/nix/store/none", "", "built-nixos-system", "/.."] {
            #expect(try surveyor.landscape(also: path).system(path)?.defects.isEmpty == false)
        }
        #expect(try surveyor.landscape(also: runs) == surveyor.landscape())
    }

    @Test("a generation that leads nowhere, around in circles or to a file is one that is missing")
    func broken() throws {
        try machine.generation(1, "/nix/store/collected-nixos-system")
        try machine.generation(2, "system-2-link")
        try machine.link("/nix/store/x", "/nix/store/y")
        try machine.link("/nix/store/y", "/nix/store/x")
        try machine.generation(3, "/nix/store/x")
        try machine.write("/nix/store/file", "not a system")
        try machine.generation(4, "/nix/store/file")
        try machine.makeCurrent("/nix/store/collected-nixos-system")
        let landscape = try machine.landscape()
        #expect(landscape.generations.map(\.number) == [1, 2, 3, 4])
        #expect(landscape.generations[0].path == "/nix/store/collected-nixos-system")
        #expect(landscape.current == "/nix/store/collected-nixos-system")
        #expect(landscape.systems.count == 4)
        #expect(landscape.systems.allSatisfy { $0.defects == [.missing] })
    }

    @Test("links never lead out of the root, be they absolute or climbing")
    func confined() throws {
        let outside = try Machine()
        let secret = try outside.system("secret-nixos-system")
        try machine.generation(1, outside.root + secret)
        let climbing = String(repeating: "../", count: 40)
        try machine.generation(2, climbing + String(outside.root.dropFirst()) + secret)
        let a = try machine.system("a-nixos-system")
        try machine.remove("\(a)/nixos-version")
        try machine.link("\(a)/nixos-version", outside.root + secret + "/nixos-version")
        try machine.generation(3, climbing + String(a.dropFirst()))

        let landscape = try machine.landscape()
        #expect(landscape.system(outside.root + secret)?.defects == [.missing])
        #expect(landscape.generations.map(\.path)[1] == outside.root + secret)
        #expect(landscape.generations.map(\.path)[2] == a)
        #expect(landscape.system(a)?.version == nil)
        #expect(landscape.system(a)?.defects == [.notNixOS])
    }

    @Test("huge files, binary junk, pipes and directories where text should be are values")
    func junk() throws {
        let a = try machine.system("a-nixos-system")
        try machine.write("\(a)/nixos-version", [UInt8](repeating: 0xff, count: 5 << 20))
        try machine.write("\(a)/init-interface-version", "  \u{1b}[31mred\n second line")
        try machine.write("\(a)/switch-inhibitors", [0, 1, 2, 0xff])
        try machine.remove("\(a)/sw/bin/web")
        try #require(mkfifo("\(machine.root)\(a)/sw/bin/nixos-version", 0o644) == 0)
        try machine.remove("\(a)/activate")
        try machine.directory("\(a)/activate")
        try machine.write("\(a)/specialisation", "no directory")
        try machine.generation(1, a)

        let system = try #require(try machine.landscape().systems.first)
        #expect(system.version == String(repeating: "\u{fffd}", count: 86))
        #expect(system.initInterface == "\u{fffd}[31mred")
        #expect(system.inhibitors.isEmpty)
        #expect(system.revision == nil)
        #expect(system.defects == [.noActivation])
        #expect(system.specialisations.isEmpty)
        let line = try #require(SystemReport.landscape(try machine.landscape(), nil).line)
        #expect(SystemReport(line: line.dropLast()) == .landscape(try machine.landscape(), nil))
    }

    @Test("of many generations the newest are told, and the older ones that matter")
    func many() throws {
        let old = try machine.system("old-nixos-system")
        let parent = try machine.system("parent-nixos-system")
        let child = try machine.system("child-nixos-system")
        let good = try machine.system("good-nixos-system")
        let new = try machine.system("new-nixos-system")
        try machine.link("\(parent)/specialisation/x", child)
        for number in 1...300 { try machine.generation(number, new) }
        try machine.generation(2, old)
        try machine.generation(3, parent)
        try machine.generation(4, good)
        try machine.makeDefault(5)
        try machine.makeCurrent(child)
        try machine.link("/run/booted-system", old)
        try machine.link("\(Machine.profiles)/system-profiles/last-known-good", good)
        let landscape = try machine.landscape()
        #expect(landscape.generations.map(\.number) == [2, 3, 4, 5] + Array(173...300))
    }

    @Test("/boot without a file system of its own has no space to tell")
    func noBoot() throws {
        try machine.directory("/boot/efi")
        try machine.directory("/efi")
        #expect(try machine.landscape().bootSpace == nil)
    }

    @Test(
        "the space of /boot is that of the file system mounted there", .enabled(if: geteuid() == 0))
    func boot() throws {
        try machine.directory("/boot/efi")
        let place = machine.root + "/boot/efi"
        try #require(mount("none", place, "tmpfs", 0, "size=1M") == 0)
        defer { umount(place) }
        #expect(try machine.landscape().bootSpace == 1 << 20)
        try machine.write("/boot/efi/kernel", [UInt8](repeating: 1, count: 300 << 10))
        #expect(try machine.landscape().bootSpace == 724 << 10)
    }
}

@Suite("who holds the locks")
struct LockTests {
    let machine: Machine
    private let switchLock = "/run/nixos/switch-to-configuration.lock"
    private let profileLock = "/nix/var/nix/profiles/system.lock"

    init() throws { machine = try Machine() }

    @Test("nobody holds a lock file that is not there, or that is only there")
    func nobody() throws {
        try machine.write(switchLock)
        let landscape = try machine.landscape()
        #expect(landscape.switchHolder == nil)
        #expect(landscape.profileHolder == nil)
    }

    @Test("whoever took it by flock is told, and it stays free of us")
    func flocked() throws {
        try machine.write(switchLock)
        try machine.write(profileLock)
        let file = open(machine.root + switchLock, O_RDWR)
        try #require(file >= 0 && flock(file, LOCK_EX | LOCK_NB) == 0)
        #expect(try machine.landscape().switchHolder == getpid())
        #expect(try machine.landscape().profileHolder == nil)
        close(file)
        #expect(try machine.landscape().switchHolder == nil)
    }

    @Test("whoever took it by fcntl is told")
    func locked() throws {
        try machine.write(profileLock)
        let file = open(machine.root + profileLock, O_RDWR)
        try #require(file >= 0 && lockf(file, F_TLOCK, 0) == 0)
        #expect(try machine.landscape().profileHolder == getpid())
        close(file)
        #expect(try machine.landscape().profileHolder == nil)
    }

    @Test("a lock that belongs to an open file is held by 0: somebody")
    func openFile() throws {
        try machine.write(profileLock)
        let lock = try #require(try FileLock(machine.root + profileLock))
        withExtendedLifetime(lock) {
            #expect((try? machine.landscape())?.profileHolder == 0)
        }
    }

    @Test(
        "who is not root and has locked the file switches nothing",
        .enabled(if: geteuid() == 0, "being somebody else needs root"))
    func stranger() throws {
        try machine.write(switchLock)
        let path = machine.root + switchLock
        let file = open(path, O_RDONLY)
        try #require(file >= 0)
        defer { close(file) }
        // The lock is on the open file that it inherits: no path has to be open to it.
        let holder = Process()
        holder.executableURL = URL(fileURLWithPath: "/usr/bin/setpriv")
        let locks = """
            import fcntl, time
            fcntl.flock(0, fcntl.LOCK_EX)
            print("held", flush=True)
            time.sleep(600)
            """
        holder.arguments = ["--reuid=65534", "--clear-groups", "/usr/bin/python3", "-c", locks]
        let said = Pipe()
        holder.standardInput = FileHandle(fileDescriptor: file)
        holder.standardOutput = said
        try holder.run()
        defer {
            kill(holder.processIdentifier, SIGKILL)
            holder.waitUntilExit()
        }
        // The newline may come behind.
        #expect(said.fileHandleForReading.availableData.starts(with: Data("held".utf8)))
        #expect(try machine.landscape().switchHolder == nil)
    }

    @Test("a shared lock is no switch")
    func shared() throws {
        try machine.write(switchLock)
        let file = open(machine.root + switchLock, O_RDWR)
        defer { close(file) }
        try #require(file >= 0 && flock(file, LOCK_SH | LOCK_NB) == 0)
        #expect(try machine.landscape().switchHolder == nil)
    }
}

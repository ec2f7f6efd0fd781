import NixOS
import SafeSwitch
import Testing

@Suite("a comparison of a service between two systems")
struct ComparisonTests {
    let machine: Machine
    let before: String
    let after: String

    init() throws {
        machine = try Machine()
        before = try machine.system("a-nixos-system")
        after = try machine.system("b-nixos-system")
        try machine.makeCurrent(after)
    }

    private func compare(
        unit: String? = nil, _ paths: [String] = [], former: [String] = []
    ) throws -> Comparison {
        let subject = Subject(service: "web", unit: unit, paths: paths, formerPaths: former)
        return try machine.surveyor().compare(
            Question(subject: subject, before: before, after: after))
    }

    private func units(_ system: String) -> String { "\(system)-units" }

    @Test("two systems with the same of everything")
    func same() throws {
        let comparison = try compare(unit: "web.service", ["/run/current-system/sw/bin/web"])
        #expect(comparison.unit == .same)
        #expect(comparison.closure == .same)
        #expect(comparison.kernel == .same)
        #expect(comparison.systemd == .same)
        #expect(
            comparison.paths == [
                .init(
                    path: "/run/current-system/sw/bin/web", difference: .same,
                    before: "/nix/store/web1-web/bin/web", after: "/nix/store/web1-web/bin/web")
            ])
        #expect(!comparison.serviceDiffers && !comparison.isBlind)
    }

    @Test("a unit whose text differs, and one whose program does")
    func unitText() throws {
        try machine.write("\(units(after))/web.service", "[Unit]\nDescription=x\n" + Machine.unit)
        #expect(try compare(unit: "web.service").unit == .differs)
        #expect(try compare(unit: "web.service").closure == .same)
        try machine.write("/nix/store/web2-web/bin/web", mode: 0o755)
        try machine.write(
            "\(units(after))/web.service", "[Service]\nExecStart=@/nix/store/web2-web/bin/web web\n"
        )
        #expect(try compare(unit: "web.service").closure == .differs)
    }

    @Test("a unit of equal text may run another program: through the system's path")
    func throughTheSystem() throws {
        let text = "[Service]\nExecStart=-/run/current-system/sw/bin/web\n"
        for system in [before, after] {
            try machine.write("\(units(system))/web.service", text)
        }
        #expect(try compare(unit: "web.service").closure == .same)
        try machine.write("/nix/store/web2-web/bin/web", mode: 0o755)
        try machine.link("\(after)/sw/bin/web", "/nix/store/web2-web/bin/web")
        let comparison = try compare(unit: "web.service")
        #expect(comparison.unit == .same)
        #expect(comparison.closure == .differs)
        #expect(comparison.serviceDiffers)
    }

    @Test("an argument in the store is part of what is run")
    func arguments() throws {
        for (system, configuration) in [(before, "c1-web.conf"), (after, "c2-web.conf")] {
            try machine.write(
                "\(units(system))/web.service",
                "[Service]\nExecStart=/nix/store/web1-web/bin/web \\\n -c '/nix/store/\(configuration)'"
            )
        }
        #expect(try compare(unit: "web.service").closure == .differs)
    }

    @Test(
        "a drop-in is part of the unit, wherever systemd looks for it",
        arguments: [
            "web@a.service.d", "web@.service.d", "service.d",
        ])
    func dropIns(_ directory: String) throws {
        for system in [before, after] {
            try machine.write("\(units(system))/web@.service", Machine.unit)
        }
        #expect(try compare(unit: "web@a.service").unit == .same)
        try machine.write("\(units(after))/\(directory)/x.txt", "no drop-in")
        #expect(try compare(unit: "web@a.service").unit == .same)
        try machine.write("\(units(after))/\(directory)/x.conf", "[Service]\nNice=5\n")
        #expect(try compare(unit: "web@a.service").unit == .differs)
        try machine.write("\(units(before))/\(directory)/x.conf", "[Service]\nNice=5\n")
        #expect(try compare(unit: "web@a.service").unit == .same)
    }

    @Test("a drop-in for all units that begin alike")
    func dashes() throws {
        for system in [before, after] {
            try machine.write("\(units(system))/web-a-b.service", Machine.unit)
        }
        try machine.write("\(units(after))/web-a-.service.d/x.conf", "[Service]\n")
        #expect(try compare(unit: "web-a-b.service").unit == .differs)
    }

    @Test("a drop-in may take the program back")
    func reset() throws {
        try machine.write("/nix/store/web2-web/bin/web", mode: 0o755)
        try machine.write(
            "\(units(after))/web.service.d/x.conf",
            "[Service]\nExecStart=\nExecStart=/nix/store/web2-web/bin/web\n[Install]\nExecStart=/x\n"
        )
        #expect(try compare(unit: "web.service").closure == .differs)
    }

    @Test("a unit that came, went, never was, or is masked")
    func comings() throws {
        try machine.write("\(units(after))/new.service", Machine.unit)
        try machine.write("\(units(before))/gone.service", Machine.unit)
        try machine.link("\(units(after))/web.service", "/dev/null")
        #expect(try compare(unit: "new.service").unit == .new)
        #expect(try compare(unit: "gone.service").unit == .gone)
        #expect(try compare(unit: "web.service").unit == .differs)
        #expect(try compare(unit: "never.service").isBlind)
    }

    @Test(
        "a name that is none of a unit's, and a unit that cannot be read, are unknown",
        arguments: ["../../secret.service", "", "web", ".service", "loop.service", "huge.service"])
    func unknown(_ name: String) throws {
        for system in [before, after] {
            try machine.link("\(units(system))/loop.service", "loop.service")
            try machine.write(
                "\(units(system))/huge.service", String(repeating: "# x\n", count: 1 << 20))
        }
        #expect(try compare(unit: name).isBlind)
    }

    @Test("a program outside the store says nothing")
    func outside() throws {
        try machine.write("/usr/bin/web", mode: 0o755)
        for system in [before, after] {
            try machine.write("\(units(system))/web.service", "[Service]\nExecStart=/usr/bin/web\n")
        }
        #expect(try compare(unit: "web.service").closure == .unknown)
        #expect(try compare(["/usr/bin/web"]).closure == .unknown)
        #expect(try compare(["/usr/bin/web"]).paths[0].difference == .unknown)
        #expect(try compare(["/usr/bin/web"]).isBlind)
        try machine.write("/usr/bin/web-2")
        #expect(
            try compare(["/usr/bin/web-2"], former: ["/usr/bin/web"]).paths[0].difference
                == .differs)
    }

    @Test(
        "a command's path is followed through each system, by whatever name it is reached",
        arguments: [
            "/run/current-system/sw/bin/web", "/nix/var/nix/profiles/system/sw/bin/web",
            "/etc/web/bin/web", "/etc/static/web/bin/web", "/usr/bin/web",
            "/run/current-system/./sw/bin/../bin/web",
        ])
    func commands(_ path: String) throws {
        try machine.write("/nix/store/web2-web/bin/web", "2", mode: 0o755)
        try machine.link("\(after)/sw/bin/web", "/nix/store/web2-web/bin/web")
        for (system, web) in [("a", "web1"), ("b", "web2")] {
            try machine.link(
                "/nix/store/\(system)-nixos-system-etc/etc/web", "/nix/store/\(web)-web")
            try machine.link("/nix/store/\(web)-web/bin/bin", "web")
        }
        try machine.link("/usr/bin/web", "../../run/current-system/sw/bin/web")
        for path in [path, machine.root + path] {
            let comparison = try compare([path])
            let found = try #require(comparison.paths.first)
            #expect(found.path == path)
            #expect(found.difference == .differs)
            #expect(found.before?.hasPrefix("/nix/store/web1-web/bin") == true)
            #expect(found.after?.hasPrefix("/nix/store/web2-web/bin") == true)
            #expect(comparison.closure == .differs)
        }
    }

    @Test(
        "a configuration in /etc is compared by what is in it, not by the store path of all of /etc"
    )
    func etc() throws {
        for (system, port) in [("a", "80"), ("b", "80")] {
            let etc = "/nix/store/\(system)-nixos-system-etc/etc"
            try machine.write("/nix/store/\(system)\(port)-web.conf", "port \(port)")
            try machine.link("\(etc)/web/web.conf", "/nix/store/\(system)\(port)-web.conf")
            try machine.link("\(etc)/web/dangling", "/nowhere")
        }
        #expect(try compare(["/etc/web"]).paths[0].difference == .same)
        #expect(try compare(["/etc/web"]).closure == .unknown)
        #expect(try compare(["/etc/web/web.conf"]).paths[0].difference == .same)
        try machine.write("/nix/store/b80-web.conf", "port 81")
        #expect(try compare(["/etc/web"]).paths[0].difference == .differs)
        try machine.write("/nix/store/b80-web.conf", "port 80")
        try machine.write("/nix/store/b-nixos-system-etc/etc/web/more")
        #expect(try compare(["/etc/web"]).paths[0].difference == .differs)
    }

    @Test("a program that is a file of the system itself is compared by what is in it")
    func ofTheSystem() throws {
        for system in [before, after] {
            try machine.write("\(system)/bin/own", "1", mode: 0o755)
        }
        let path = "/run/current-system/bin/own"
        #expect(try compare([path]).paths[0].difference == .same)
        #expect(try compare([path]).closure == .unknown)
        try machine.write("\(after)/bin/own", "2", mode: 0o755)
        #expect(try compare([path]).paths[0].difference == .differs)
    }

    @Test("paths that came, went, are nowhere or no paths")
    func odd() throws {
        try machine.write("\(after)-etc/etc/new")
        try machine.write("\(before)-etc/etc/gone")
        try machine.link("/etc-loop", "etc-loop")
        try machine.link("\(after)-etc/etc/out", "/run/current-system/etc/out")
        let paths = ["/etc/new", "/etc/gone", "/etc/none", "web", "", "/etc-loop", "/etc/out"]
        #expect(
            try compare(paths).paths.map(\.difference)
                == [.new, .gone, .unknown, .unknown, .unknown, .unknown, .unknown])
    }

    @Test(
        "a tree that would take too long to compare is unknown, and so are paths beyond the bound")
    func bounds() throws {
        for system in [before, after] {
            for index in 0..<4200 { try machine.write("\(system)/share/\(index)") }
            try machine.write("\(system)/big", [UInt8](repeating: 1, count: 17 << 20))
        }
        let share = "/run/current-system/share"
        #expect(try compare([share]).paths[0].difference == .unknown)
        #expect(try compare(["/run/current-system/big"]).paths[0].difference == .unknown)
        let web = "/run/current-system/sw/bin/web"
        let many = try compare(Array(repeating: web, count: 70)).paths
        #expect(many.count == 70 && many[63].difference == .same && many[64].difference == .unknown)
    }

    @Test("a command that the change gave another name is compared with its former one")
    func former() throws {
        try machine.write("/nix/store/new1-new/bin/new", mode: 0o755)
        try machine.link("\(after)/sw/bin/new", "/nix/store/new1-new/bin/new")
        let new = "/run/current-system/sw/bin/new"
        #expect(try compare([new]).paths[0].difference == .new)
        let old = "/run/current-system/sw/bin/web"
        let found = try compare([new, new], former: [old]).paths
        #expect(found[0].difference == .differs)
        #expect(found[0].before == "/nix/store/web1-web/bin/web")
        #expect(found[1].difference == .new)
    }

    @Test("another kernel and another systemd are told")
    func kernel() throws {
        try machine.system("b-nixos-system", kernel: "6.18.2")
        try machine.link("\(after)/systemd", "/nix/store/k6.18.2-linux")
        let comparison = try compare(unit: "web.service")
        #expect(comparison.kernel == .differs)
        #expect(comparison.systemd == .differs)
        #expect(!comparison.serviceDiffers)
    }

    @Test("with a system that is gone, nothing is said of anything")
    func collected() throws {
        try machine.remove(before)
        let comparison = try compare(unit: "web.service", ["/run/current-system/sw/bin/web"])
        var expected = Comparison()
        expected.paths = [
            .init(
                path: "/run/current-system/sw/bin/web", difference: .unknown, before: nil,
                after: nil)
        ]
        #expect(comparison == expected)
    }
}

import Configuration
import Foundation
import Glibc
import Linux
import Supervision
import Testing
import Worker

@Suite("the remedy for declared files", .serialized, .enabled(if: geteuid() == 0))
struct RestorationTests {
    let looker: LookerProcess
    let scratch: Scratch
    /// Where a service's user may do what he likes.
    let base: String
    static let user: UInt32 = 4242

    init() throws {
        looker = try LookerProcess()
        scratch = try Scratch()
        base = scratch("base")
        try #require(mkdir(base, 0o755) == 0 && chown(base, Self.user, Self.user) == 0)
    }

    private func dependency(_ path: String, _ kind: Dependency.Kind) -> Dependency {
        var dependency = Dependency(base: base, path: path, kind: kind)
        dependency.create = true
        dependency.owner = "\(Self.user)"
        dependency.group = "\(Self.user)"
        dependency.mode = kind == .directory ? 0o750 : 0o640
        return dependency
    }

    private func restore(_ dependencies: Dependency...) throws -> RemedyAnswer {
        try looker.mend(.restore(dependencies))
    }

    private func status(_ path: String) throws -> FileStatus { try FileStatus(of: path) }

    /// A file of root's outside of the base, that nobody may get at.
    private func secret() throws -> String {
        let path = try scratch.file("secret", "root's")
        chmod(path, 0o600)
        return path
    }

    private func expectUntouched(_ path: String) throws {
        let now = try status(path)
        #expect(now.owner == 0)
        #expect(now.group == 0)
        #expect(now.mode == 0o600)
    }

    @Test("what is missing is made as declared, a directory before what is in it") func missing()
        throws
    {
        let answer = try restore(
            dependency("a", .directory), dependency("a/b", .directory), dependency("a/b/f", .file),
            dependency("a/now", .link(to: "b/f")))
        #expect(answer.outcome == .applied)
        #expect(answer.reason.contains("\(base)/a/b/f: made"))
        let directory = try status("\(base)/a/b")
        #expect(directory.kind == .directory)
        #expect((directory.owner, directory.group) == (Self.user, Self.user))
        #expect(directory.mode == 0o750)
        let file = try status("\(base)/a/b/f")
        #expect((file.owner, file.mode) == (Self.user, 0o640))
        #expect(Directory.linkTarget("\(base)/a/now") == "b/f")
        #expect(try status("\(base)/a/now").owner == Self.user)
        let again = try restore(dependency("a/b/f", .file), dependency("a/now", .link(to: "b/f")))
        #expect(again.outcome == .notNeeded)
    }

    @Test("what is missing and may not be made is told") func mayNotMake() throws {
        var file = dependency("f", .file)
        file.create = false
        let answer = try restore(file)
        #expect(answer.outcome == .refused)
        #expect(answer.reason.contains("\(base)/f is missing"))
    }

    @Test("owner, group and mode are restored, and what is in a file stays") func attributes()
        throws
    {
        try scratch.file("base/f", "content")
        chmod("\(base)/f", 0o666)
        let answer = try restore(dependency("f", .file))
        #expect(answer.outcome == .applied)
        #expect(answer.reason.contains("owner 4242, group 4242, mode 0640"))
        let now = try status("\(base)/f")
        #expect((now.owner, now.group) == (Self.user, Self.user))
        #expect(now.mode == 0o640)
        #expect(try String(contentsOfFile: "\(base)/f", encoding: .utf8) == "content")
    }

    @Test("a secret of somebody else's that was moved there is not given away") func secretMoved()
        throws
    {
        try scratch.file("base/f", "secret")
        chmod("\(base)/f", 0o600)
        let answer = try restore(dependency("f", .file))
        #expect(answer.outcome == .refused)
        #expect(answer.reason.contains("belongs to user 0"))
        #expect(try status("\(base)/f").owner == 0)
    }

    @Test("what is not declared is left alone") func undeclared() throws {
        try scratch.file("base/f")
        chmod("\(base)/f", 0o604)
        #expect(
            try restore(Dependency(base: base, path: "f", kind: .file)).outcome == .notNeeded)
        #expect(try status("\(base)/f").mode == 0o604)
    }

    @Test("a link in the place of the file, or on the way, leads nowhere") func links() throws {
        let secret = try secret()
        symlink(secret, "\(base)/f")
        symlink(scratch.path, "\(base)/d")
        symlink("/", "\(base)/root")
        for path in ["f", "d/secret", "root\(secret)"] {
            let answer = try restore(dependency(path, .file))
            #expect(answer.outcome == .refused, "\(path)")
            try expectUntouched(secret)
        }
        #expect(try restore(dependency("d/new", .file)).outcome == .refused)
        #expect(try restore(dependency("d", .directory)).outcome == .refused)
        #expect(!FileManager.default.fileExists(atPath: scratch("new")))
    }

    @Test("a base that a link leads to is refused, with a word on what to do") func linkedBase()
        throws
    {
        symlink(base, scratch("also"))
        var file = dependency("f", .file)
        file.base = scratch("also")
        let answer = try restore(file)
        #expect(answer.outcome == .refused)
        #expect(answer.reason.contains("symbolic link"))
        #expect(answer.reason.contains("declare the path that it leads to"))
    }

    @Test("a hard link to another file is left alone") func hardLink() throws {
        let secret = try secret()
        try #require(Glibc.link(secret, "\(base)/f") == 0)
        let answer = try restore(dependency("f", .file))
        #expect(answer.outcome == .refused)
        #expect(answer.reason.contains("2 names"))
        try expectUntouched(secret)
    }

    @Test("dots lead out of no directory") func dots() throws {
        let secret = try secret()
        for path in ["../secret", "a/../../secret", "/etc/passwd"] {
            let answer = try restore(dependency(path, .file))
            #expect(answer.outcome == .refused || answer.outcome == .failed, "\(path)")
        }
        try expectUntouched(secret)
    }

    @Test("something of another kind is left alone", arguments: ["fifo", "dir", "link"])
    func otherKind(what: String) throws {
        let path = "\(base)/f"
        switch what {
        case "fifo": try #require(mkfifo(path, 0o600) == 0)
        case "dir": try #require(mkdir(path, 0o700) == 0)
        default: try #require(symlink("nowhere", path) == 0)
        }
        let before = try status(path)
        #expect(try restore(dependency("f", .file)).outcome == .refused)
        #expect(try status(path) == before)
    }

    @Test("a wrong link is replaced where it may be made, and told where not") func wrongLink()
        throws
    {
        symlink("old", "\(base)/now")
        var link = dependency("now", .link(to: "new"))
        link.create = false
        #expect(try restore(link).outcome == .refused)
        #expect(Directory.linkTarget("\(base)/now") == "old")
        link.create = true
        #expect(try restore(link).outcome == .applied)
        #expect(Directory.linkTarget("\(base)/now") == "new")
        #expect(try Directory.names(in: base) == ["now"])
    }

    @Test("the Nix store is never touched, by its name or by a bind mount of it") func store()
        throws
    {
        let made = mkdir("/nix", 0o755) == 0
        let madeStore = mkdir("/nix/store", 0o755) == 0
        let package = "/nix/store/regen-test-\(getpid())"
        try #require(mkdir(package, 0o755) == 0)
        defer {
            unlink("\(package)/f")
            rmdir(package)
            if madeStore { rmdir("/nix/store") }
            if made { rmdir("/nix") }
        }
        var file = dependency("f", .file)
        file.base = package
        #expect(try restore(file).outcome == .refused)
        #expect(try Directory.names(in: package) == [])
        // In a mount namespace of the looker's own making, so that nothing of it stays.
        try "x".write(toFile: "\(package)/f", atomically: false, encoding: .utf8)
        mkdir("\(base)/bound", 0o755)
        let script = "mount --bind \(package) \(base)/bound && exec \(LookerProcess.program)"
        let mounted = try LookerProcess(
            command: ["unshare", "--mount", "/bin/sh", "-c", script])
        for path in ["bound/f", "bound/new", "bound"] {
            try mounted.send(
                .restore([dependency(path, path == "bound" ? .directory : .file)]))
            guard case .remedy(let answer)? = try mounted.answer() else {
                withKnownIssue("this machine allows no mounts") { Issue.record("no looker") }
                return
            }
            #expect(answer.outcome == .refused)
            #expect(answer.reason.contains("mounted from /nix/store"), "\(answer.reason)")
        }
        #expect(try status("\(package)/f").owner == 0)
        #expect(try Directory.names(in: package) == ["f"])
    }

    @Test("no user or group of that name is a human's matter") func noUser() throws {
        var file = dependency("f", .file)
        file.owner = "no-such-user-here"
        let answer = try restore(file)
        #expect(answer.outcome == .refused)
        #expect(answer.reason.contains("there is no user 'no-such-user-here'"))
        #expect(try Directory.names(in: base) == [])
    }

    @Test("while its owner swaps it for links to root's file all the time, that stays root's")
    func race() throws {
        let secret = try secret()
        let script = """
            while :; do
                rm -f f; ln -s \(secret) f; rm -f f; : > f; ln \(secret) g 2>/dev/null
                mv -f g f 2>/dev/null; rm -f f g; rm -rf d; ln -s \(scratch.path) d; rm -f d
                mkdir d; : > d/secret
            done
            """
        // As root, so that even hard links to another's file succeed.
        let attacker = try Started(["/bin/sh", "-c", "cd \(base) && \(script)"])
        until("it is at work") {
            ["d", "f"].contains { access("\(base)/\($0)", F_OK) == 0 }
        }
        var outcomes: Set<RemedyOutcome> = []
        for _ in 0..<500 {
            let answer = try restore(dependency("f", .file), dependency("d/secret", .file))
            outcomes.insert(answer.outcome)
            try expectUntouched(secret)
        }
        #expect(outcomes.count > 1)
        #expect(attacker.lives)
    }

    @Test("a hard link that is gone before its names are counted gives nothing away")
    func vanishingLink() throws {
        let secret = try secret()
        let script = "while (1) { link '\(secret)', '\(base)/f'; unlink '\(base)/f' }"
        let attacker = try Started(["perl", "-e", script])
        var file = dependency("f", .file)
        file.create = false
        // So many that a restoration which only counts names gives the file away a dozen times.
        let files = [Dependency](repeating: file, count: Remedy.mostItems)
        for _ in 0..<1500 {
            #expect(try looker.mend(.restore(files)).outcome == .refused)
            try expectUntouched(secret)
        }
        #expect(attacker.lives)
    }
}

@Suite("the remedy for an environment", .serialized) struct EnvironmentTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func check(_ files: EnvironmentFile..., by looker: LookerProcess? = nil) throws
        -> RemedyAnswer
    {
        try (looker ?? LookerProcess()).mend(.environment(files))
    }

    @Test("keys with values are enough, however they are written") func complete() throws {
        let path = try scratch.file(
            "env",
            "# A=1\r\nexport DATABASE_URL=\"postgres://x=y\"\r\n  PORT = 3001 \nEMPTY=''\nQ='a b'\n"
                + "TWICE=1\nTWICE=\n")
        let keys = ["DATABASE_URL", "PORT", "Q"]
        #expect(try check(EnvironmentFile(path: path, keys: keys)).outcome == .notNeeded)
        let answer = try check(
            EnvironmentFile(path: path, keys: ["A", "PORT", "EMPTY", "TWICE", "NONE"]),
            EnvironmentFile(path: scratch("gone"), keys: ["X"]))
        #expect(answer.outcome == .refused)
        #expect(
            answer.reason
                == "\(path): no A, no EMPTY, no TWICE, no NONE; \(scratch("gone")): "
                + "No such file or directory")
        #expect(!answer.reason.contains("postgres"))
    }

    @Test("what the service's user may not read is missing", .enabled(if: geteuid() == 0))
    func unreadable() throws {
        let path = try scratch.file("env", "A=1")
        chmod(path, 0o600)
        try FileManager.default.copyItem(atPath: LookerProcess.program, toPath: scratch("look"))
        chmod(scratch("look"), 0o755)
        let looker = try LookerProcess(
            command: [scratch("look")], as: try Account.named("4242", group: nil, groups: []))
        let answer = try check(EnvironmentFile(path: path, keys: ["A"]), by: looker)
        #expect(answer.outcome == .refused)
        #expect(answer.reason == "\(path): Permission denied")
    }
}

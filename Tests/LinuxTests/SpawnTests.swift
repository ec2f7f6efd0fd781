import Foundation
import Glibc
import Linux
import Testing

@Suite("a spawn") struct SpawnTests {
    /// The steps' numbers of regen_linux.h.
    private enum Step {
        static let limits: Int32 = 4
        static let nice: Int32 = 5
        static let directory: Int32 = 10
        static let execute: Int32 = 11
    }

    private let null = try! OwnedFD.null().release()
    private let directory: String

    init() throws {
        directory = "/tmp/regen-spawn-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        try #require(mkdir(directory, 0o777) == 0)
        chmod(directory, 0o777)
    }

    private func removed() {
        close(null)
        try? FileManager.default.removeItem(atPath: directory)
    }

    private func make(_ name: String, _ text: String, mode: mode_t = 0o755) throws -> String {
        let path = "\(directory)/\(name)"
        try text.write(toFile: path, atomically: false, encoding: .utf8)
        chmod(path, mode)
        return path
    }

    /// Makes the process, waits for its end, and gives its status.
    @discardableResult
    private func run(
        _ ingredients: SpawnPlan.Ingredients, attempt: Int = 1
    ) throws -> WaitStatus? {
        let child = try SpawnPlan(ingredients, null: null).spawn(attempt: attempt)
        let process = child.takePidFD()
        var entry = pollfd(fd: process.raw, events: Int16(POLLIN), revents: 0)
        try #require(poll(&entry, 1, 30_000) == 1)
        return process.reap()
    }

    /// What a shell script says when it is given that.
    private func says(
        _ script: String, _ change: (inout SpawnPlan.Ingredients) -> Void = { _ in }
    ) throws -> String {
        let output = "\(directory)/output"
        _ = FileManager.default.createFile(atPath: output, contents: nil)
        chmod(output, 0o666)
        var ingredients = SpawnPlan.Ingredients(
            command: ["/bin/sh", "-c", script], environment: ["PATH=/usr/bin:/bin"])
        ingredients.output = .ownFile(output)
        change(&ingredients)
        #expect(try run(ingredients) == .exited(0))
        let text = try String(contentsOfFile: output, encoding: .utf8)
        return text.trimmingCharacters(in: .newlines)
    }

    private func failure(
        _ command: [String], _ change: (inout SpawnPlan.Ingredients) -> Void = { _ in }
    ) -> SpawnPlan.Failure? {
        var ingredients = SpawnPlan.Ingredients(
            command: command, environment: ["PATH=\(directory):/usr/bin:/bin"])
        change(&ingredients)
        do {
            try run(ingredients)
            return nil
        } catch { return error as? SpawnPlan.Failure }
    }

    // MARK: - What fails

    @Test("a command that cannot be executed says why: step and error number")
    func commands() throws {
        defer { removed() }
        let deaf = try make("deaf", "#!/bin/sh\n", mode: 0o644)
        let lost = try make("lost", "#!/no/such/interpreter\n")
        let text = try make("text", "just text\n")
        func fails(_ command: String, _ code: Int32) {
            let failure = failure([command])
            #expect(failure?.step == Step.execute, "\(command)")
            #expect(failure?.code == code, "\(command)")
        }
        fails("\(directory)/nothing", ENOENT)
        fails("no-such-program-anywhere", ENOENT)
        fails(deaf, EACCES)
        fails("deaf", EACCES)
        fails(directory, EACCES)
        fails(lost, ENOENT)
        fails(text, ENOEXEC)
        fails("\(deaf)/below", ENOENT)
    }

    @Test("a failed spawn leaves no child and no descriptor")
    func nothingLeft() throws {
        defer { removed() }
        func descriptors() throws -> Int {
            try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
        }
        _ = failure(["/no/such"])
        let before = try descriptors()
        for _ in 0..<50 { _ = failure(["/no/such"]) }
        // Other tests of this process come and go: they do not have fifty open.
        #expect(try descriptors() < before + 40)
    }

    @Test("a working directory that is missing, or not one")
    func directories() throws {
        defer { removed() }
        let file = try make("file", "")
        for (path, code) in [("\(directory)/none", ENOENT), (file, ENOTDIR)] {
            let failure = failure(["/bin/true"]) { $0.directory = path }
            #expect(failure?.step == Step.directory)
            #expect(failure?.code == code)
        }
    }

    @Test("a limit above what this process may give is refused, not ignored")
    func refusedLimit() throws {
        defer { removed() }
        let failure = failure(["/bin/true"]) {
            $0.limits = [ResourceLimit(name: "nofile", soft: 1 << 40, hard: 1 << 40)]
        }
        #expect(failure?.step == Step.limits)
        #expect(failure?.code == EPERM)
    }

    @Test("an output that cannot be opened is told, and the process runs all the same")
    func output() throws {
        defer { removed() }
        var ingredients = SpawnPlan.Ingredients(
            command: ["/bin/sh", "-c", "echo hello"], environment: [])
        ingredients.output = .userFile("\(directory)/none/log")
        let child = try SpawnPlan(ingredients, null: null).spawn(attempt: 1)
        #expect(child.outputError == ENOENT)
        let process = child.takePidFD()
        var entry = pollfd(fd: process.raw, events: Int16(POLLIN), revents: 0)
        #expect(poll(&entry, 1, 30_000) == 1)
        #expect(process.reap() == .exited(0))
    }

    @Test("a FIFO that nobody reads, as an output, hangs nobody")
    func fifo() throws {
        defer { removed() }
        mkfifo("\(directory)/fifo", 0o666)
        var ingredients = SpawnPlan.Ingredients(command: ["/bin/true"], environment: [])
        ingredients.output = .userFile("\(directory)/fifo")
        let child = try SpawnPlan(ingredients, null: null).spawn(attempt: 1)
        #expect(child.outputError == ENXIO)
        _ = child.takePidFD().reap()
    }

    // MARK: - What arrives

    @Test("the environment is made from scratch, and the attempt's number is in it")
    func environment() throws {
        defer { removed() }
        setenv("REGEN_TEST_LEAK", "1", 1)
        var output = SpawnPlan.Ingredients(command: ["/usr/bin/env"], environment: ["A=1", "B= 2"])
        output.output = .ownFile("\(directory)/env")
        for attempt in [1, 10, 987_654_321] {
            unlink("\(directory)/env")
            try run(output, attempt: attempt)
            let text = try String(contentsOfFile: "\(directory)/env", encoding: .utf8)
            #expect(
                text.split(separator: "\n").sorted() == ["A=1", "B= 2", "REGEN_ATTEMPT=\(attempt)"])
        }
    }

    @Test("directory, umask, nice value and limits arrive")
    func surroundings() throws {
        defer { removed() }
        let text = try says(
            "pwd; umask; nice; ulimit -Sn; ulimit -Hn; ulimit -c; cat /proc/self/oom_score_adj"
        ) {
            $0.directory = "/usr"
            $0.umask = 0o027
            $0.nice = 5
            $0.limits = [
                ResourceLimit(name: "nofile", soft: 100, hard: 200),
                ResourceLimit(name: "core", soft: 0, hard: 0),
            ]
            $0.oomScore = 300
        }
        #expect(text == "/usr\n0027\n5\n100\n200\n0\n300")
    }

    @Test(
        "every oom_score_adj arrives, to the last digit", arguments: [0, 7, 10, 99, 100, 999, 1000])
    func oomScore(score: Int32) throws {
        defer { removed() }
        #expect(try says("cat /proc/self/oom_score_adj") { $0.oomScore = score } == "\(score)")
    }

    private static let mayLower: Bool = {
        // CAP_SYS_RESOURCE, bit 24.
        let status = ProcessTable.text("/proc/self/status") ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("CapEff:") } ?? ""
        let word = line.split(separator: "\t").last ?? ""
        return (UInt64(word, radix: 16) ?? 0) & 1 << 24 != 0
    }()

    @Test(
        "a negative oom_score_adj arrives too",
        .enabled(if: mayLower, "lowering oom_score_adj needs CAP_SYS_RESOURCE"),
        arguments: [-1, -10, -999, -1000])
    func negativeOOMScore(score: Int32) throws {
        defer { removed() }
        #expect(try says("cat /proc/self/oom_score_adj") { $0.oomScore = score } == "\(score)")
    }

    @Test("user, group and supplementary groups arrive", .enabled(if: geteuid() == 0, "needs root"))
    func account() throws {
        defer { removed() }
        let text = try says("id -u; id -g; id -G; grep -E '^(Uid|Gid|CapEff)' /proc/self/status") {
            $0.account = try? Account.named("65533", group: "65532", groups: ["7", "12"])
        }
        #expect(
            text == """
                65533
                65532
                65532 7 12
                Uid:\t65533\t65533\t65533\t65533
                Gid:\t65532\t65532\t65532\t65532
                CapEff:\t0000000000000000
                """)
    }

    @Test(
        "no supplementary group of the daemon's is left", .enabled(if: geteuid() == 0, "needs root")
    )
    func noGroups() throws {
        defer { removed() }
        let text = try says("id -G") {
            $0.account = try? Account.named("65533", group: "65532", groups: [])
        }
        #expect(text == "65532")
    }

    @Test(
        "the log a configuration names is opened as the user",
        .enabled(if: geteuid() == 0, "needs root"))
    func userFile() throws {
        defer { removed() }
        let secret = try make("secret", "", mode: 0o600)
        var ingredients = SpawnPlan.Ingredients(command: ["/bin/true"], environment: [])
        ingredients.account = try Account.named("65533", group: "65532", groups: [])
        ingredients.output = .userFile(secret)
        let child = try SpawnPlan(ingredients, null: null).spawn(attempt: 1)
        #expect(child.outputError == EACCES)
        _ = child.takePidFD()
        // Nor does it follow a link that the user has laid.
        symlink("/etc/passwd", "\(directory)/link")
        ingredients.output = .userFile("\(directory)/link")
        let second = try SpawnPlan(ingredients, null: null).spawn(attempt: 1)
        #expect(second.outputError == ELOOP)
        _ = second.takePidFD()
    }

    @Test("signals that this process ignores or blocks are as new in the child")
    func signals() throws {
        defer { removed() }
        // Before the first spawn of this process: what is ignored is looked up once.
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGUSR1)
        sigaddset(&set, SIGTERM)
        var before = sigset_t()
        pthread_sigmask(SIG_BLOCK, &set, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        let text = try says("exec grep -E '^Sig(Blk|Ign)' /proc/self/status")
        let lines = text.split(separator: "\n")
        #expect(lines.contains("SigBlk:\t0000000000000000"))
        #expect(lines.contains("SigIgn:\t0000000000000000"))
    }

    @Test("no descriptor above 2 comes along, and 0 is /dev/null")
    func descriptors() throws {
        defer { removed() }
        // Without O_CLOEXEC, as a careless library opens.
        let leak = open("/etc/passwd", O_RDONLY)
        defer { close(leak) }
        let text = try says("ls /proc/$$/fd; readlink /proc/$$/fd/0")
        #expect(text == "0\n1\n2\n/dev/null")
    }

    @Test("a session and a group of its own")
    func session() throws {
        defer { removed() }
        let text = try says("echo $$; cut -d' ' -f 5,6 /proc/$$/stat")
        let words = text.split { $0 == "\n" || $0 == " " }
        #expect(words.count == 3)
        #expect(Set(words).count == 1)
    }

    @Test("a thousand spawns, one after the other, leak nothing")
    func many() throws {
        defer { removed() }
        func descriptors() throws -> Int {
            try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
        }
        let plan = SpawnPlan(
            SpawnPlan.Ingredients(command: ["/bin/true"], environment: []), null: null)
        let before = try descriptors()
        for attempt in 1...1000 {
            let process = try plan.spawn(attempt: attempt).takePidFD()
            var entry = pollfd(fd: process.raw, events: Int16(POLLIN), revents: 0)
            #expect(poll(&entry, 1, 30_000) == 1)
            #expect(process.reap() == .exited(0))
        }
        #expect(try descriptors() < before + 40)
    }
}

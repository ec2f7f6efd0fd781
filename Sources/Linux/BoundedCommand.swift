private import CLinux
private import Glibc

/// A command that is waited for, with a bound on its time and on what is kept of its output.
///
/// It runs in a process group of its own, which is killed when the command has ended or is late, and
/// also when this process ends meanwhile, however it ends. What leaves the group (a daemon in a
/// session of its own) is left alone.
public enum BoundedCommand {
    /// How it ended.
    public struct Outcome: Equatable, Sendable {
        /// Its status; `nil` when it was late and was killed.
        public var status: WaitStatus?
        /// What it wrote to standard output and error, as far as it was kept.
        public var output: [UInt8]
    }

    /// Which part of the output is kept; the rest is read and dropped.
    public enum Part: Equatable, Sendable {
        /// So many bytes of its beginning.
        case first(Int)
        /// So many bytes of its end.
        case last(Int)
    }

    /// Runs it and waits, at most so long. `ingredients.output` is not looked at. Throws when it
    /// could not be started.
    ///
    /// Blocks. The corresponding C functions are `fork`, `clone3`, `poll`, `read` and `kill`.
    public static func run(
        _ ingredients: SpawnPlan.Ingredients, nanoseconds: Int64, keeping part: Part
    ) throws(SystemError) -> Outcome {
        var output = try CommandOutput(keeping: part)
        let group = try CommandGroup()
        let command = try start(ingredients, output.takeWriting(), in: group)
        let deadline = now().addingReportingOverflow(max(nanoseconds, 0))
        let hasEnded = try output.drain(
            untilEndOf: command, at: deadline.overflow ? .max : deadline.partialValue)
        group.kill()
        var end = pollfd(fd: command.raw, events: Int16(POLLIN), revents: 0)
        try system("wait for a command") { poll(&end, 1, -1) }
        let status = command.reap()
        return Outcome(status: hasEnded ? status : nil, output: output.kept)
    }

    private static func start(
        _ ingredients: SpawnPlan.Ingredients, _ output: consuming OwnedFD,
        in group: borrowing CommandGroup
    ) throws(SystemError) -> PidFD {
        let null = try OwnedFD.null()
        let plan = SpawnPlan(ingredients, null: null.raw)
        do throws(SpawnPlan.Failure) {
            let child = try plan.spawn(attempt: 0, output: output.raw, group: group.leader)
            return child.takePidFD()
        } catch {
            let isDirectory = error.step == Int32(REGEN_STEP_DIRECTORY.rawValue)
            throw SystemError(
                error.code,
                isDirectory
                    ? "enter \(ingredients.directory ?? "/")" : "start \(ingredients.command[0])")
        }
    }

    /// Not CLOCK_BOOTTIME: a suspended machine is no slow command.
    fileprivate static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

/// A process group that ends with this process: a warden leads it, and kills it when our end of a
/// pipe closes.
private struct CommandGroup: ~Copyable {
    let leader: Int32
    private let lifeline: OwnedFD

    init() throws(SystemError) {
        var lifeline: Int32 = -1
        leader = try system("fork") { regen_warden(&lifeline) }
        self.lifeline = OwnedFD(adopting: lifeline)
    }

    /// Ends everything in it. Its number stays ours as long as the warden has not been reaped.
    func kill() { Glibc.kill(-leader, SIGKILL) }

    deinit {
        Glibc.kill(-leader, SIGKILL)
        while waitpid(leader, nil, 0) < 0, errno == EINTR {}
    }
}

/// Our end of a command's output.
private struct CommandOutput: ~Copyable {
    private let reading: OwnedFD
    private var writing: OwnedFD?
    private let part: BoundedCommand.Part
    private var bytes: [UInt8] = []

    init(keeping part: BoundedCommand.Part) throws(SystemError) {
        var reading: Int32 = -1
        var writing: Int32 = -1
        try system("make a pipe") { regen_pipe(&reading, &writing) }
        self.reading = OwnedFD(adopting: reading)
        self.writing = OwnedFD(adopting: writing)
        self.part = part
    }

    /// The end that the command gets; to be taken once.
    mutating func takeWriting() -> OwnedFD { writing.take()! }

    /// What was kept.
    var kept: [UInt8] {
        switch part {
        case .first: bytes
        case .last(let most): Array(bytes.suffix(most))
        }
    }

    /// Reads until the command has ended: true; or until it is late. What a descendant still writes
    /// afterwards is not waited for.
    mutating func drain(
        untilEndOf command: borrowing PidFD, at deadline: Int64
    ) throws(SystemError) -> Bool {
        var isOpen = true
        while true {
            let rest = deadline - BoundedCommand.now()
            guard rest > 0 else { return false }
            var ready = [
                pollfd(fd: command.raw, events: Int16(POLLIN), revents: 0),
                pollfd(fd: isOpen ? reading.raw : -1, events: Int16(POLLIN), revents: 0),
            ]
            let milliseconds = Int32(clamping: (rest + 999_999) / 1_000_000)
            try system("wait for a command") { poll(&ready, 2, milliseconds) }
            let hasEnded = ready[0].revents != 0
            // Once more after its end: what it wrote last may have come in between.
            if hasEnded || ready[1].revents != 0 { isOpen = readWhatIsThere() }
            if hasEnded { return true }
        }
    }

    /// Up to a pipe's fill. False: nobody can write any more.
    private mutating func readWhatIsThere() -> Bool {
        var chunk = [UInt8](repeating: 0, count: Self.chunk)
        for _ in 0..<Self.mostChunks {
            let count = read(reading.raw, &chunk, chunk.count)
            if count == 0 { return false }
            if count < 0 { return errno == EAGAIN || errno == EINTR }
            keep(chunk[..<count])
        }
        return true
    }

    private mutating func keep(_ new: ArraySlice<UInt8>) {
        switch part {
        case .first(let most): bytes += new.prefix(most - bytes.count)
        case .last(let most):
            bytes += new
            if bytes.count > 2 * most { bytes.removeFirst(bytes.count - most) }
        }
    }

    private static let chunk = 16 << 10
    /// Between two looks at the clock; a pipe holds 64 KiB unless somebody made it larger.
    private static let mostChunks = 8
}

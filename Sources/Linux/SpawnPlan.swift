private import CLinux
private import Glibc

/// A resource limit of a child; `UInt64.max` is RLIM_INFINITY.
public struct ResourceLimit: Equatable, Sendable {
    /// `nofile`, `core`, … as setrlimit(2) names them, in lower case.
    public var name: String
    /// The limit in force.
    public var soft: UInt64
    /// The limit up to which a process may raise it.
    public var hard: UInt64

    /// A limit.
    public init(name: String, soft: UInt64, hard: UInt64) {
        self.name = name
        self.soft = soft
        self.hard = hard
    }
}

/// Where a child's standard output and error go.
public enum ChildOutput: Equatable, Sendable {
    /// Nowhere.
    case null
    /// Where the daemon's go.
    case inherited
    /// Appended to a file in a directory of our own, opened before the child becomes its user.
    case ownFile(String)
    /// Appended to a file that a configuration names, opened as the child's user.
    case userFile(String)
}

/// Everything that a process is given, laid out in C's memory long before it is needed, so that
/// a restart allocates nothing and formats nothing but the attempt's number.
public final class SpawnPlan {
    /// What the plan is made from.
    public struct Ingredients: Sendable {
        /// The program and its arguments; a name without a slash is looked for in PATH.
        public var command: [String]
        /// The whole environment, as `NAME=value`.
        public var environment: [String]
        /// The working directory; `nil`: the daemon's own.
        public var directory: String?
        /// Standard output and error.
        public var output = ChildOutput.null
        /// The user, group and supplementary groups; `nil`: the daemon's.
        public var account: Account?
        /// The file mode creation mask; `nil`: the daemon's.
        public var umask: UInt32?
        /// Limits to set.
        public var limits: [ResourceLimit] = []
        /// The nice value; `nil`: the daemon's.
        public var nice: Int32?
        /// Whether its scheduling class, nice value and class of input and output are the usual ones
        /// instead of the daemon's, as far as the daemon may set them.
        public var isScheduledAsUsual = false
        /// oom_score_adj; `nil`: the daemon's. What the daemon was given is for itself alone.
        public var oomScore = ResourceLimits.oomScoreForChildren

        /// A command and its environment; the rest by default.
        public init(command: [String], environment: [String]) {
            self.command = command
            self.environment = environment
        }
    }

    /// What a spawn gave.
    public struct Child: ~Copyable {
        /// Its process id.
        public let pid: Int32
        /// Its descriptor.
        let pidfd: PidFD
        /// Why its output goes nowhere although it should go to a file; 0: it does not.
        public let outputError: Int32

        /// Its descriptor; the child is its owner's now.
        public consuming func takePidFD() -> PidFD { pidfd }
    }

    /// Why there is no child.
    public struct Failure: Error, Equatable, Sendable {
        /// The number of the step, as in regen_linux.h.
        public let step: Int32
        /// The error number, as in errno(3).
        public let code: Int32
    }

    private static let attemptName = "REGEN_ATTEMPT="
    private static let attemptDigits = 20

    private var plan = regen_spawn_plan()
    private let strings: UnsafeMutablePointer<CChar>
    private let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let groups: UnsafeMutablePointer<gid_t>
    private let limits: UnsafeMutablePointer<regen_limit>
    private let attempt: UnsafeMutablePointer<CChar>

    /// Lays the plan out. `null` is a descriptor of /dev/null that outlives it.
    public init(_ ingredients: Ingredients, null: Int32) {
        let path = ingredients.environment.first { $0.hasPrefix("PATH=") }?.dropFirst(5)
        let candidates = Self.candidates(ingredients.command[0], path: path ?? "")
        let environment =
            [Self.attemptName + String(repeating: "0", count: Self.attemptDigits)]
            + ingredients.environment
        let output: String? =
            switch ingredients.output {
            case .ownFile(let path), .userFile(let path): path
            case .null, .inherited: nil
            }
        let texts =
            candidates + ingredients.command + environment
            + [ingredients.directory, output].compactMap { $0 }
        strings = .allocate(capacity: texts.reduce(0) { $0 + $1.utf8.count + 1 })
        pointers = .allocate(capacity: texts.count + 5)

        var nextString = strings
        var nextPointer = pointers
        func lay(_ texts: [String]) -> UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> {
            let first = nextPointer
            for text in texts {
                nextPointer.pointee = nextString
                nextPointer += 1
                for byte in text.utf8 {
                    nextString.pointee = CChar(bitPattern: byte)
                    nextString += 1
                }
                nextString.pointee = 0
                nextString += 1
            }
            nextPointer.pointee = nil
            nextPointer += 1
            return first
        }
        plan.candidates = UnsafePointer(lay(candidates))
        plan.argv = UnsafePointer(lay(ingredients.command))
        let envp = lay(environment)
        plan.envp = UnsafePointer(envp)
        attempt = envp[0]! + Self.attemptName.utf8.count
        plan.directory = ingredients.directory.map { UnsafePointer(lay([$0])[0]!) }
        plan.output_path = output.map { UnsafePointer(lay([$0])[0]!) }

        groups = .allocate(capacity: max(ingredients.account?.groups.count ?? 0, 1))
        limits = .allocate(capacity: max(ingredients.limits.count, 1))
        plan.null_fd = null
        plan.cgroup_fd = -1
        plan.keep_fd = -1
        plan.secret_fd = -1
        plan.output_fd = -1
        plan.output = Self.number(ingredients.output)
        plan.umask = ingredients.umask.map { Int32($0) } ?? -1
        plan.nice = ingredients.nice ?? Int32.min
        plan.is_ordinary = ingredients.isScheduledAsUsual ? 1 : 0
        plan.oom_score = ingredients.oomScore ?? Int32.min
        set(ingredients.account)
        set(ingredients.limits)
    }

    deinit {
        strings.deallocate()
        pointers.deallocate()
        groups.deallocate()
        limits.deallocate()
    }

    private func set(_ account: Account?) {
        guard let account else { return }
        plan.has_user = 1
        plan.uid = account.user
        plan.gid = account.group
        for (i, group) in account.groups.enumerated() { groups[i] = group }
        plan.groups = UnsafePointer(groups)
        plan.group_count = Int32(account.groups.count)
    }

    private func set(_ limits: [ResourceLimit]) {
        for limit in limits {
            let resource = regen_limit_named(limit.name)
            precondition(resource >= 0, "the configuration's names of limits are known")
            self.limits[Int(plan.limit_count)] = regen_limit(
                resource: resource, soft: limit.soft, hard: limit.hard)
            plan.limit_count += 1
        }
        plan.limits = UnsafePointer(self.limits)
    }

    /// Makes the process, in `cgroup` if that is a descriptor of a cgroup v2 directory. `kept` becomes
    /// its descriptor 3, `secret` beside it 4, and `output` its standard output and error, where they
    /// are not negative. It joins the process group `group` of our session, or has a session of its own if that is 0.
    /// The caller waits for its exec; with a `spawner`, in its way.
    /// The corresponding C function is `clone3`, and `execve` in the child.
    public func spawn(
        attempt: Int, cgroup: Int32 = -1, keeping kept: Int32 = -1, secret: Int32 = -1,
        output: Int32 = -1, group: Int32 = 0, by spawner: Spawner? = nil
    ) throws(Failure) -> Child {
        setAttempt(attempt)
        plan.cgroup_fd = cgroup
        plan.keep_fd = kept
        plan.secret_fd = kept >= 0 ? secret : -1
        plan.join_group = group
        if output >= 0 {
            plan.output = Int32(REGEN_OUTPUT_DESCRIPTOR.rawValue)
            plan.output_fd = output
        }
        var pidfd: Int32 = -1
        var step: Int32 = 0
        var outputError: Int32 = 0
        let make = { [self] in regen_spawn(&plan, &pidfd, &step, &outputError) }
        let pid = spawner?.run(make) ?? make()
        guard pid > 0 else { throw Failure(step: step, code: -pid) }
        return Child(
            pid: pid, pidfd: PidFD(adopting: OwnedFD(adopting: pidfd)), outputError: outputError)
    }

    private func setAttempt(_ number: Int) {
        var rest = UInt64(max(number, 0))
        var digits = 1
        var power: UInt64 = 10
        while digits < Self.attemptDigits - 1, rest >= power {
            digits += 1
            power *= 10
        }
        attempt[digits] = 0
        for i in stride(from: digits - 1, through: 0, by: -1) {
            attempt[i] = CChar(48 + rest % 10)
            rest /= 10
        }
    }

    private static func number(_ output: ChildOutput) -> Int32 {
        switch output {
        case .null: Int32(REGEN_OUTPUT_NULL.rawValue)
        case .inherited: Int32(REGEN_OUTPUT_INHERIT.rawValue)
        case .ownFile: Int32(REGEN_OUTPUT_FILE.rawValue)
        case .userFile: Int32(REGEN_OUTPUT_USER_FILE.rawValue)
        }
    }

    private static func candidates(_ program: String, path: Substring) -> [String] {
        if program.utf8.contains(UInt8(ascii: "/")) { return [program] }
        return path.split(separator: ":").map { "\($0)/\(program)" }
    }
}

/// What a look at a path gave.
public enum PathSight: Equatable, Sendable {
    /// It leads to this.
    case found(PathFacts)
    /// It leads to nothing.
    case missing
    /// Whoever looked may not get there.
    case forbidden
    /// The kernel answered otherwise.
    case failed(String)
    /// No answer in time: a file server that is away, most likely.
    case silent
    /// Nobody could look, and why.
    case unseen(String)

    /// What it leads to.
    public var facts: PathFacts? {
        if case .found(let facts) = self { facts } else { nil }
    }
}

/// What a path leads to.
public struct PathFacts: Equatable, Sendable {
    /// What it is.
    public enum Kind: String, Sendable {
        /// A regular file.
        case file
        /// A directory.
        case directory
        /// Anything else.
        case special
    }

    /// What it is.
    public var kind: Kind
    /// The permission bits.
    public var mode: UInt32
    /// Whether whoever looked may execute it, or enter it.
    public var isExecutable: Bool
    /// Whether whoever looked may write it.
    public var isWritable: Bool
    /// Why regend as root would not trust it: somebody else can exchange it. `nil`: nobody can, or
    /// whoever looked is not root.
    public var defect: String?
    /// The room around it; `nil`: unknown.
    public var space: Space?

    /// The room in a file system.
    public struct Space: Equatable, Sendable {
        /// Free bytes for people without privileges.
        public var free: Int64
        /// Free inodes for them.
        public var freeInodes: Int64
        /// All inodes; 0: they are not counted.
        public var inodes: Int64
        /// Nothing can be written.
        public var isReadOnly: Bool

        /// Some room.
        public init(free: Int64, freeInodes: Int64 = 0, inodes: Int64 = 0, isReadOnly: Bool = false)
        {
            self.free = free
            self.freeInodes = freeInodes
            self.inodes = inodes
            self.isReadOnly = isReadOnly
        }
    }

    /// Something that may be used in every way.
    public init(
        _ kind: Kind, mode: UInt32 = 0o755, isExecutable: Bool = true, isWritable: Bool = true,
        space: Space? = nil
    ) {
        self.kind = kind
        self.mode = mode
        self.isExecutable = isExecutable
        self.isWritable = isWritable
        self.space = space
    }
}

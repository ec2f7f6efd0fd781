/// What one look at the machine's generations saw. Nothing in here is older than the look.
public struct Landscape: Equatable, Sendable {
    /// The profile's generations, lowest number first; the newest `mostGenerations` and those that
    /// anything else in here is about.
    public var generations: [Generation]
    /// The system of each path named in here, each once; specialisations too, and what was asked for
    /// besides.
    public var systems: [NixSystem]
    /// The number that the profile's link names: the boot default. `nil`: it names none.
    public var defaultGeneration: Int?
    /// What `/run/current-system` leads to: the system that was last activated.
    public var current: String?
    /// What `/run/booted-system` leads to.
    public var booted: String?
    /// What the profile `system-profiles/last-known-good` leads to.
    public var knownGoodProfile: String?
    /// The process that holds switch-to-configuration's lock: a switch is running. 0: somebody holds
    /// it, and the kernel does not tell who.
    public var switchHolder: Int32?
    /// The process that holds Nix's lock of the system profile; 0 as above.
    public var profileHolder: Int32?
    /// Free bytes where the boot loader keeps its entries; `nil`: there is no such file system.
    public var bootSpace: Int64?

    /// The most generations of a landscape; of more, the newest.
    public static let mostGenerations = 128

    /// An empty landscape: a machine without a system profile.
    public init() {
        generations = []
        systems = []
    }

    /// What is known of the system with this path.
    public func system(_ path: String) -> NixSystem? { systems.first { $0.path == path } }

    /// The generations that lead to this path, or whose specialisation it is.
    public func generations(of path: String) -> [Generation] {
        generations.filter { generation in
            generation.path == path
                || system(generation.path)?.specialisations.contains { $0.path == path } == true
        }
    }
}

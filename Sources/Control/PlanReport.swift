public import JSON

/// What a rollback would do: the type `Plan` of the interface, and the answer to `PlanRollback`.
public struct PlanReport: Equatable, Sendable {
    /// What runs now.
    public var from: SystemReport?
    /// Where it would lead; `nil` where it is refused.
    public var to: SystemReport?
    /// How: `live` (boot default and running system), `reboot` (boot default, then a reboot);
    /// `nil` where it is refused.
    public var mode: String?
    /// By which rule the target was chosen: `previous-known-good`, `newest-known-good`,
    /// `previous-unproven`, `before`, `asked`.
    public var choice: String?
    /// It would run under another kernel than its own until a reboot.
    public var isDegraded = false
    /// Why nothing would be done; `nil` where it would.
    public var refused: RefusalReport?
    /// Why each of the other generations was not chosen.
    public var rejected: [RefusalReport.Rejected] = []
    /// Services and units that would restart; `nil` where nobody can tell: what differs between the
    /// two systems is restarted by the target's switch-to-configuration.
    public var restarts: [String]?
    /// What the switch would leave as it is, a sentence each.
    public var notUndone = PlanReport.neverUndone
    /// What may go wrong, a sentence each.
    public var risks: [String] = []

    /// A plan that leads somewhere.
    public init(from: SystemReport?, to: SystemReport, mode: String, choice: String) {
        self.from = from
        self.to = to
        self.mode = mode
        self.choice = choice
    }

    /// A plan that leads nowhere.
    public init(from: SystemReport?, refused: RefusalReport) {
        self.from = from
        self.refused = refused
    }

    /// What no switch between generations undoes.
    public static let neverUndone = [
        "what services have written: files, databases and their migrations, queues, caches",
        "users, groups and secrets that the newer generation made",
        "what was sent to other machines",
    ]

    /// Writes the parameters of the answer.
    public func write(into json: inout JSONWriter) {
        json.beginObject()
        json.member("from", from) { $0.write(into: &$1) }
        json.member("to", to) { $0.write(into: &$1) }
        json.member("mode", mode)
        json.member("choice", choice)
        json.bool("degraded", isDegraded)
        json.member("refused", refused) { $0.write(into: &$1) }
        json.members("rejected", Array(rejected.prefix(RefusalReport.mostRejected))) {
            $0.write(into: &$1)
        }
        if let restarts { json.names("restarts", restarts) }
        json.names("not_undone", notUndone)
        json.names("risks", risks)
        json.endObject()
    }

    /// Reads the parameters of the answer; `nil` when they are not understood.
    public init?(_ json: JSONValue) {
        from = json["from"].flatMap(SystemReport.init)
        to = json["to"].flatMap(SystemReport.init)
        refused = json["refused"].flatMap(RefusalReport.init)
        // Without a target there is a reason, and the reverse.
        guard (to == nil) == (refused != nil) else { return nil }
        mode = json["mode"]?.string
        choice = json["choice"]?.string
        isDegraded = json["degraded"]?.bool ?? false
        rejected = (json["rejected"]?.array ?? []).compactMap(RefusalReport.Rejected.init)
        restarts = json["restarts"]?.strings
        notUndone = json["not_undone"]?.strings ?? []
        risks = json["risks"]?.strings ?? []
    }
}

/// A system in the Nix store: the type `System` of the interface.
public struct SystemReport: Equatable, Sendable {
    /// Its store path.
    public var path: String
    /// The highest generation that leads to it; `nil`: none does.
    public var generation: Int64?
    /// NixOS' version, where it says so.
    public var version: String?
    /// The name of the specialisation that it is.
    public var specialisation: String?

    /// A system.
    public init(
        path: String, generation: Int64? = nil, version: String? = nil,
        specialisation: String? = nil
    ) {
        self.path = path
        self.generation = generation
        self.version = version
        self.specialisation = specialisation
    }

    func write(into json: inout JSONWriter) {
        json.beginObject()
        json.string("path", path)
        json.member("generation", generation)
        json.member("version", version)
        json.member("specialisation", specialisation)
        json.endObject()
    }

    init?(_ json: JSONValue) {
        guard let path = json["path"]?.string else { return nil }
        self.init(
            path: path, generation: json["generation"]?.integer, version: json["version"]?.string,
            specialisation: json["specialisation"]?.string)
    }
}

public import JSON

/// One generation of the system profile: the type `Generation` of the interface.
public struct GenerationReport: Equatable, Sendable {
    /// Its number.
    public var number: Int64
    /// When it was made, in milliseconds since 1970.
    public var dateUnixMilliseconds: Int64
    /// The store path that it leads to.
    public var path: String
    /// NixOS' version, where it says so.
    public var version: String?
    /// Its kernel's version.
    public var kernel: String?
    /// The revision that its configuration was built from, where it says so.
    public var revision: String?
    /// It is what runs.
    public var isRunning = false
    /// It is what was booted.
    public var isBooted = false
    /// It is what the next boot takes.
    public var isDefault = false
    /// It passed a whole probation.
    public var isKnownGood = false
    /// It broke something, or has the part that did: Regen does not go back there.
    public var isQuarantined = false
    /// Its number is below the fence.
    public var isFenced = false
    /// The names of its specialisations.
    public var specialisations: [String] = []
    /// How a rollback to it would go.
    public var rollback = Rollback.live

    /// A generation of which no more is known.
    public init(number: Int64, dateUnixMilliseconds: Int64, path: String) {
        self.number = number
        self.dateUnixMilliseconds = dateUnixMilliseconds
        self.path = path
    }

    /// How a rollback to a generation would go.
    public enum Rollback: Equatable, Sendable {
        /// At once.
        case live
        /// By a reboot.
        case reboot
        /// Not at all, and why.
        case refused(RefusalReport)

        /// `live`, `reboot`, `refused`
        public var word: String {
            switch self {
            case .live: "live"
            case .reboot: "reboot"
            case .refused: "refused"
            }
        }
    }

    func write(into json: inout JSONWriter) {
        json.beginObject()
        json.integer("number", number)
        json.integer("date_unix_ms", dateUnixMilliseconds)
        json.string("path", path)
        json.member("version", version)
        json.member("kernel", kernel)
        json.member("revision", revision)
        json.bool("running", isRunning)
        json.bool("booted", isBooted)
        json.bool("default", isDefault)
        json.bool("known_good", isKnownGood)
        json.bool("quarantined", isQuarantined)
        json.bool("fenced", isFenced)
        if !specialisations.isEmpty { json.names("specialisations", specialisations) }
        json.string("rollback", rollback.word)
        if case .refused(let refusal) = rollback {
            json.key("refused")
            refusal.write(into: &json)
        }
        json.endObject()
    }

    init?(_ json: JSONValue) {
        guard let number = json["number"]?.integer, let path = json["path"]?.string,
            let rollback = Rollback(json)
        else { return nil }
        self.init(
            number: number, dateUnixMilliseconds: json["date_unix_ms"]?.integer ?? 0, path: path)
        version = json["version"]?.string
        kernel = json["kernel"]?.string
        revision = json["revision"]?.string
        isRunning = json["running"]?.bool ?? false
        isBooted = json["booted"]?.bool ?? false
        isDefault = json["default"]?.bool ?? false
        isKnownGood = json["known_good"]?.bool ?? false
        isQuarantined = json["quarantined"]?.bool ?? false
        isFenced = json["fenced"]?.bool ?? false
        specialisations = json["specialisations"]?.strings ?? []
        self.rollback = rollback
    }
}

extension GenerationReport.Rollback {
    fileprivate init?(_ json: JSONValue) {
        switch json["rollback"]?.string {
        case "live": self = .live
        case "reboot": self = .reboot
        case "refused":
            guard let refusal = json["refused"].flatMap(RefusalReport.init) else { return nil }
            self = .refused(refusal)
        default: return nil
        }
    }
}

/// The answer to `Generations`.
public struct GenerationsReply: Equatable, Sendable {
    /// The generations, lowest number first.
    public var generations: [GenerationReport]
    /// What runs, also where no generation leads to it.
    public var running: SystemReport?
    /// What was booted, the same.
    public var booted: SystemReport?

    /// An answer.
    public init(
        generations: [GenerationReport], running: SystemReport? = nil, booted: SystemReport? = nil
    ) {
        self.generations = generations
        self.running = running
        self.booted = booted
    }

    /// Writes the parameters of the answer.
    public func write(into json: inout JSONWriter) {
        json.beginObject()
        json.key("generations")
        json.beginArray()
        for generation in generations { generation.write(into: &json) }
        json.endArray()
        json.member("running", running) { $0.write(into: &$1) }
        json.member("booted", booted) { $0.write(into: &$1) }
        json.endObject()
    }

    /// Reads the parameters of the answer; `nil` when they are not understood.
    public init?(_ json: JSONValue) {
        guard let array = json["generations"]?.array else { return nil }
        generations = array.compactMap(GenerationReport.init)
        guard generations.count == array.count else { return nil }
        running = json["running"].flatMap(SystemReport.init)
        booted = json["booted"].flatMap(SystemReport.init)
    }
}

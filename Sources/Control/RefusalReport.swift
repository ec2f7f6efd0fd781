public import JSON

/// Why something is not done to the machine's generations: the type `Refusal` of the interface.
public struct RefusalReport: Equatable, Sendable {
    /// More generations are not listed.
    public static let mostRejected = 128

    /// One word for the rule that said no: `limit`, `switching`, `no-target`, …
    public var reason: String
    /// It in one sentence for people.
    public var text: String
    /// Why each of the generations will not do, where that is what it is about.
    public var rejected: [Rejected]

    /// A refusal.
    public init(reason: String, text: String, rejected: [Rejected] = []) {
        self.reason = reason
        self.text = text
        self.rejected = rejected
    }

    /// Why one generation is no target: the type `Rejected` of the interface.
    public struct Rejected: Equatable, Sendable {
        /// Its number.
        public var generation: Int64
        /// One word for the first rule that said no: `quarantined`, `fenced`, …
        public var reason: String
        /// It in words for people.
        public var text: String

        /// A generation that will not do.
        public init(generation: Int64, reason: String, text: String) {
            self.generation = generation
            self.reason = reason
            self.text = text
        }

        func write(into json: inout JSONWriter) {
            json.beginObject()
            json.integer("generation", generation)
            json.string("reason", reason)
            json.string("text", text)
            json.endObject()
        }

        init?(_ json: JSONValue) {
            guard let generation = json["generation"]?.integer, let reason = json["reason"]?.string
            else { return nil }
            self.init(generation: generation, reason: reason, text: json["text"]?.string ?? reason)
        }
    }

    /// Writes the object.
    public func write(into json: inout JSONWriter) {
        json.beginObject()
        json.string("reason", reason)
        json.string("text", text)
        json.members("rejected", Array(rejected.prefix(Self.mostRejected))) { $0.write(into: &$1) }
        json.endObject()
    }

    /// Reads the object; `nil` when it is not understood.
    public init?(_ json: JSONValue) {
        guard let reason = json["reason"]?.string else { return nil }
        self.init(
            reason: reason, text: json["text"]?.string ?? reason,
            rejected: (json["rejected"]?.array ?? []).compactMap(Rejected.init))
    }
}

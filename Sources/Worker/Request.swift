public import Configuration
public import JSON

/// What `regend` tells a worker: one line of JSON each, ended by a newline.
///
/// Definitions and what is done with them travel in order. A worker that gets anything else than
/// such a line ends: whoever writes garbage may not be trusted with the next line either.
///
/// Numbers are from 0 to 2^53 - 1.
public enum Request: Equatable, Sendable {
    /// From now on `id` is this probe; an earlier one of that number is forgotten. The probe's
    /// time-out is its policy's.
    case define(id: Int, Probe)
    /// There is no probe of that number any more; a look at it that is under way gets no answer.
    /// Nothing happens where there was none.
    case forget(id: Int)
    /// Looks once and answers with this serial, in any order. Where the probe is unknown to the
    /// worker, or is being looked at already, the answer is `unknown`.
    case look(id: Int, serial: Int)

    /// The longest line in bytes, without its newline. One probe with all its headers is shorter.
    public static let longestLine = 256 << 10
    /// The most probes that a worker knows at a time. Looks at further ones are `unknown`.
    public static let mostProbes = 16384

    /// One line without its newline.
    public func write(into json: inout JSONWriter) {
        json.beginObject()
        switch self {
        case .define(let id, let probe):
            json.integer("define", Int64(id))
            json.key("probe")
            probe.write(into: &json)
        case .forget(let id):
            json.integer("forget", Int64(id))
        case .look(let id, let serial):
            json.integer("look", Int64(id))
            json.integer("serial", Int64(serial))
        }
        json.endObject()
    }

    /// Reads a line that `write` wrote; `nil` when it is none.
    public init?(line: [UInt8]) {
        guard let json = try? JSONValue.parse(line, limit: Self.longestLine) else { return nil }
        if let id = json.number("look"), let serial = json.number("serial") {
            self = .look(id: id, serial: serial)
        } else if let id = json.number("define"), let written = json["probe"],
            let probe = try? Probe(canonical: written)
        {
            self = .define(id: id, probe)
        } else if let id = json.number("forget") {
            self = .forget(id: id)
        } else {
            return nil
        }
    }
}

extension JSONValue {
    /// A member that is a number of ours: not negative.
    fileprivate func number(_ key: String) -> Int? {
        self[key]?.integer.flatMap { $0 >= 0 ? Int(exactly: $0) : nil }
    }
}

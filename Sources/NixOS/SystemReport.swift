public import JSON
public import SafeSwitch

/// What `regend --system` found or did: one JSON line on its standard output.
public enum SystemReport: SystemLine, Equatable {
    /// What it saw; the comparison only where one was asked for.
    case landscape(Landscape, Comparison?)
    /// What came of the deed.
    case outcome(DeedOutcome)

    /// Writes the object.
    public func write(into json: inout JSONWriter) {
        json.beginObject()
        switch self {
        case .landscape(let landscape, let comparison):
            json.string("report", "landscape")
            json.key("landscape")
            landscape.write(into: &json)
            if let comparison {
                json.key("comparison")
                comparison.write(into: &json)
            }
        case .outcome(.done): json.string("report", "done")
        case .outcome(.failed(let text, let isTransient)):
            json.string("report", "failed")
            json.string("text", text)
            json.bool("transient", isTransient)
        }
        json.endObject()
    }

    /// Reads what `write` has written, and nothing else.
    public init(_ json: JSONValue) throws(WireReader.Malformed) {
        switch json["report"]?.string {
        case "landscape":
            let reader = try WireReader(json, ["report", "landscape", "comparison"])
            let landscape = try Landscape(reader["landscape"])
            guard let comparison = reader["comparison"] else {
                self = .landscape(landscape, nil)
                return
            }
            self = .landscape(landscape, try Comparison(comparison))
        case "done":
            _ = try WireReader(json, ["report"])
            self = .outcome(.done)
        case "failed":
            let reader = try WireReader(json, ["report", "text", "transient"])
            self = .outcome(
                .failed(
                    try reader.needText("text"), isTransient: try reader.needBool("transient")))
        default: throw WireReader.Malformed()
        }
    }
}

extension SystemReport {
    /// The line of a landscape, without so many of the oldest generations that it fits; `nil` when not
    /// even one without generations does.
    public static func line(_ landscape: Landscape, _ comparison: Comparison?) -> [UInt8]? {
        var rest = landscape
        while true {
            if let line = SystemReport.landscape(rest, comparison).line { return line }
            guard !rest.generations.isEmpty else { return nil }
            rest.leaveOutOlderHalf()
        }
    }
}

extension Landscape {
    fileprivate mutating func leaveOutOlderHalf() {
        let older = named(by: generations.prefix((generations.count + 1) / 2).map(\.path))
        generations.removeFirst((generations.count + 1) / 2)
        let kept = named(by: told + generations.map(\.path))
        systems.removeAll { older.contains($0.path) && !kept.contains($0.path) }
    }

    private func named(by paths: [String]) -> Set<String> {
        let tops = Set(paths)
        let children = systems.filter { tops.contains($0.path) }.flatMap(\.specialisations)
        return tops.union(children.map(\.path))
    }
}

/// Numbers in Prometheus' text format: families, each with its words and its samples.
struct MetricsText {
    /// What was written so far.
    private(set) var text = ""

    /// What a family's numbers are.
    enum Kind: String {
        /// It goes up and down.
        case gauge
        /// It only grows, but for a new beginning.
        case counter
    }

    /// One number, and whose it is.
    struct Sample {
        var labels: [(name: StaticString, value: String)] = []
        var value: Double
    }

    /// Adds a family; nothing where it has no samples. Their labels must differ: readers refuse a
    /// whole file for two samples of the same labels.
    mutating func add(
        _ name: StaticString, _ kind: Kind, _ words: StaticString, _ samples: [Sample]
    ) {
        guard !samples.isEmpty else { return }
        text += "# HELP \(name) \(words)\n# TYPE \(name) \(kind.rawValue)\n"
        for sample in samples {
            text += "\(name)\(Self.text(of: sample.labels)) \(sample.number)\n"
        }
    }

    /// A family of one number without labels.
    mutating func add(_ name: StaticString, _ kind: Kind, _ words: StaticString, _ value: Double) {
        add(name, kind, words, [Sample(value: value)])
    }

    private static func text(of labels: [(name: StaticString, value: String)]) -> String {
        guard !labels.isEmpty else { return "" }
        return "{" + labels.map { "\($0.name)=\"\(escaped($0.value))\"" }.joined(separator: ",")
            + "}"
    }

    private static func escaped(_ value: String) -> String {
        var text = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}

extension MetricsText.Sample {
    /// Whole numbers without a point.
    fileprivate var number: String {
        let whole = Int64(exactly: value)
        return whole.map { "\($0)" } ?? "\(value)"
    }
}

extension Bool {
    /// 1: it is so.
    var metric: Double { self ? 1 : 0 }
}

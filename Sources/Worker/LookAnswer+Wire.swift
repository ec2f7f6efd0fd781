public import JSON
import Supervision

extension LookAnswer {
    /// One line without its newline.
    public func write(into json: inout JSONWriter) {
        switch self {
        case .probe(let answer): answer.write(into: &json)
        case .remedy(let answer): answer.write(into: &json)
        case .survey(let survey): survey.write(into: &json)
        }
    }

    /// Reads a line that a looker wrote; `nil` when it is none, or holds more than it may. A looker
    /// that runs as a service's user is not believed blindly.
    public init?(line: [UInt8]) {
        guard let json = try? JSONValue.parse(line, limit: Self.longestLine) else { return nil }
        if json["remedy"] != nil {
            guard let answer = RemedyAnswer(json) else { return nil }
            self = .remedy(answer)
        } else if json["survey"] != nil {
            guard let survey = Survey(json) else { return nil }
            self = .survey(survey)
        } else {
            guard let answer = Answer(line: line) else { return nil }
            self = .probe(answer)
        }
    }
}

extension RemedyAnswer {
    fileprivate func write(into json: inout JSONWriter) {
        json.beginObject()
        json.integer("serial", Int64(serial))
        json.string("remedy", outcome.rawValue)
        if !reason.isEmpty { json.string("reason", reason.cut(to: Self.longestReason)) }
        if !output.isEmpty { json.string("output", output.cut(to: Self.mostOutput)) }
        json.integer("us", microseconds)
        json.endObject()
    }

    fileprivate init?(_ json: JSONValue) {
        guard let serial = json["serial"]?.int, let microseconds = json["us"]?.integer,
            let outcome = json["remedy"]?.string.flatMap({ RemedyOutcome(rawValue: $0) })
        else { return nil }
        self.init(
            serial: serial, outcome: outcome, reason: json["reason"]?.string ?? "",
            output: json["output"]?.string ?? "", microseconds: microseconds)
        guard reason.utf8.count <= Self.longestReason, output.utf8.count <= Self.mostOutput
        else { return nil }
    }
}

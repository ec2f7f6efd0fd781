public import JSON
public import SafeSwitch

/// What `regend --system` is to do: one JSON line on its standard input.
public enum SystemOrder: SystemLine, Equatable {
    /// Look at the generations, at this system as well, and where a question is given compare.
    case survey(Question?, also: String?)
    /// Do this.
    case deed(Deed)

    /// Writes the object.
    public func write(into json: inout JSONWriter) {
        json.beginObject()
        switch self {
        case .survey(let question, let also):
            json.string("order", "survey")
            json.string("also", ifAny: also)
            if let question {
                json.key("question")
                question.write(into: &json)
            }
        case .deed(let deed):
            json.string("order", "deed")
            json.key("deed")
            deed.write(into: &json)
        }
        json.endObject()
    }

    /// Reads what `write` has written, and nothing else.
    public init(_ json: JSONValue) throws(WireReader.Malformed) {
        switch json["order"]?.string {
        case "survey":
            let reader = try WireReader(json, ["order", "also", "question"])
            let also = try reader.text("also")
            guard let question = reader["question"] else {
                self = .survey(nil, also: also)
                return
            }
            self = .survey(try Question(question), also: also)
        case "deed": self = .deed(try Deed(try WireReader(json, ["order", "deed"])["deed"]))
        default: throw WireReader.Malformed()
        }
    }
}

extension Question {
    fileprivate func write(into json: inout JSONWriter) {
        json.beginObject()
        json.string("service", subject.service)
        json.string("unit", ifAny: subject.unit)
        json.texts("paths", subject.paths)
        json.texts("former_paths", subject.formerPaths)
        json.string("before", before)
        json.string("after", after)
        json.endObject()
    }

    fileprivate init(_ json: JSONValue) throws(WireReader.Malformed) {
        let reader = try WireReader(
            json, ["service", "unit", "paths", "former_paths", "before", "after"])
        self.init(
            subject: Subject(
                service: try reader.needText("service"), unit: try reader.text("unit"),
                paths: try reader.texts("paths"), formerPaths: try reader.texts("former_paths")),
            before: try reader.needText("before"), after: try reader.needText("after"))
    }
}

extension Deed {
    fileprivate func write(into json: inout JSONWriter) {
        json.beginObject()
        switch self {
        case .setProfile(let generation, let path):
            json.string("do", "set-profile")
            json.integer("generation", Int64(generation))
            json.string("path", path)
        case .addGeneration(let path):
            json.string("do", "add-generation")
            json.string("path", path)
        case .markKnownGood(let path):
            json.string("do", "mark-known-good")
            json.string("path", path)
        case .reboot(let command):
            json.string("do", "reboot")
            json.texts("command", command)
        }
        json.endObject()
    }

    fileprivate init(_ json: JSONValue?) throws(WireReader.Malformed) {
        switch json?["do"]?.string {
        case "set-profile":
            let reader = try WireReader(json, ["do", "generation", "path"])
            self = .setProfile(
                generation: try reader.needInteger("generation"), path: try reader.needText("path"))
        case "add-generation":
            self = .addGeneration(path: try WireReader(json, ["do", "path"]).needText("path"))
        case "mark-known-good":
            self = .markKnownGood(path: try WireReader(json, ["do", "path"]).needText("path"))
        case "reboot":
            self = .reboot(command: try WireReader(json, ["do", "command"]).texts("command"))
        default: throw WireReader.Malformed()
        }
    }
}

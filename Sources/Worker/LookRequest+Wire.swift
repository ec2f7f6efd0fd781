import Configuration
public import JSON
import Supervision

extension LookRequest {
    /// One line with its newline; `nil` when it would be longer than `longestLine`.
    public var line: [UInt8]? {
        var json = JSONWriter()
        write(into: &json)
        guard json.bytes.count <= Self.longestLine else { return nil }
        return json.bytes + [UInt8(ascii: "\n")]
    }

    /// One line without its newline.
    public func write(into json: inout JSONWriter) {
        json.beginObject()
        json.integer("serial", Int64(serial))
        json.integer("timeout_ns", timeout.nanoseconds)
        json.key("subject")
        subject.write(into: &json)
        errand.write(into: &json)
        json.endObject()
    }

    /// Reads a line that the daemon wrote; `nil` when it is none.
    public init?(line: [UInt8]) {
        guard let json = try? JSONValue.parse(line, limit: Self.longestLine),
            let serial = json["serial"]?.int, let timeout = json["timeout_ns"]?.wide,
            let subject = json["subject"].flatMap({ Subject($0) }), let errand = Errand(json)
        else { return nil }
        self.init(serial: serial, errand, of: subject, timeout: Interval(nanoseconds: timeout))
    }
}

extension LookRequest.Errand {
    fileprivate func write(into json: inout JSONWriter) {
        switch self {
        case .probe(let probe):
            json.key("probe")
            probe.write(into: &json)
        case .freePorts(let ports, let earlier, let leftIn):
            json.array("free_ports", ports) { $0.integer(Int64($1)) }
            json.array("earlier", earlier) { $1.write(into: &$0) }
            if let leftIn { json.string("left_in", leftIn) }
        case .validate(let command): json.array("validate", command) { $0.string($1) }
        case .restore(let dependencies):
            json.array("restore", dependencies) { $1.write(into: &$0) }
        case .environment(let files): json.array("environment", files) { $1.write(into: &$0) }
        case .survey(let questions): json.array("survey", questions) { $1.write(into: &$0) }
        }
    }

    fileprivate init?(_ json: JSONValue) {
        if let probe = json["probe"] {
            guard let probe = try? Probe(canonical: probe) else { return nil }
            self = .probe(probe)
        } else if let ports = json["free_ports"]?.list(UInt16.init(json:)),
            let earlier = json["earlier"]?.list(ProcessIdentity.init(json:))
        {
            self = .freePorts(ports, earlier: earlier, leftIn: json["left_in"]?.string)
        } else if let command = json["validate"]?.list(\.string), !command.isEmpty {
            self = .validate(command: command)
        } else if let dependencies = json["restore"]?.list(Dependency.init(json:)) {
            self = .restore(dependencies)
        } else if let files = json["environment"]?.list(EnvironmentFile.init(json:)) {
            self = .environment(files)
        } else if let questions = json["survey"]?.list(LookRequest.Question.init(json:)) {
            self = .survey(questions)
        } else {
            return nil
        }
    }
}

extension LookRequest.Question {
    fileprivate func write(into json: inout JSONWriter) {
        json.beginObject()
        switch self {
        case .log(let path, let before):
            json.string("log", path)
            json.integer("before", before)
        case .journal(let unit, let invocation, let began):
            json.string("journal", unit)
            json.string("invocation", invocation)
            json.integer("began", began)
        case .memory: json.bool("memory", true)
        case .ports(let ports): json.array("ports", ports) { $0.integer(Int64($1)) }
        case .environment(let files): json.array("environment", files) { $1.write(into: &$0) }
        case .changes(let root): json.string("changes", root)
        }
        json.endObject()
    }

    fileprivate init?(json: JSONValue) {
        if let path = json["log"]?.string, let before = json["before"]?.wide {
            self = .log(path: path, before: before)
        } else if let unit = json["journal"]?.string,
            let invocation = json["invocation"]?.string, let began = json["began"]?.wide
        {
            self = .journal(unit: unit, invocation: invocation, began: began)
        } else if json["memory"] != nil {
            self = .memory
        } else if let ports = json["ports"]?.list(UInt16.init(json:)) {
            self = .ports(ports)
        } else if let files = json["environment"]?.list(EnvironmentFile.init(json:)) {
            self = .environment(files)
        } else if let root = json["changes"]?.string {
            self = .changes(root: root)
        } else {
            return nil
        }
    }
}

extension Subject {
    fileprivate func write(into json: inout JSONWriter) {
        json.beginObject()
        if let main {
            json.key("main")
            main.write(into: &json)
        }
        if let cgroup { json.string("cgroup", cgroup) }
        if members != .descent { json.string("members", members.rawValue) }
        if let directory { json.string("directory", directory) }
        if !environment.isEmpty { json.array("environment", environment) { $0.string($1) } }
        json.endObject()
    }

    fileprivate init?(_ json: JSONValue) {
        guard json.object != nil else { return nil }
        self.init(
            main: json["main"].flatMap(ProcessIdentity.init(json:)), cgroup: json["cgroup"]?.string,
            directory: json["directory"]?.string,
            environment: json["environment"]?.list(\.string) ?? [])
        if let text = json["members"]?.string {
            guard let members = Members(rawValue: text) else { return nil }
            self.members = members
        }
    }
}

extension ProcessIdentity {
    func write(into json: inout JSONWriter) {
        json.beginObject()
        json.integer("pid", Int64(pid))
        json.integer("start", Int64(clamping: startTicks))
        json.endObject()
    }

    init?(json: JSONValue) {
        guard let pid = json["pid"]?.int.flatMap({ Int32(exactly: $0) }),
            let start = json["start"]?.wide.flatMap({ UInt64(exactly: $0) })
        else { return nil }
        self.init(pid: pid, startTicks: start)
    }
}

extension Dependency {
    fileprivate func write(into json: inout JSONWriter) {
        json.beginObject()
        json.string("base", base)
        json.string("path", path)
        switch kind {
        case .file: json.string("kind", "file")
        case .directory: json.string("kind", "directory")
        case .link(let target): json.string("link", target)
        }
        if create { json.bool("create", true) }
        if let owner { json.string("owner", owner) }
        if let group { json.string("group", group) }
        if let mode { json.integer("mode", Int64(mode)) }
        json.endObject()
    }

    fileprivate init?(json: JSONValue) {
        let kinds: [String: Kind] = ["file": .file, "directory": .directory]
        guard let base = json["base"]?.string, let path = json["path"]?.string,
            let kind = json["link"]?.string.map({ Kind.link(to: $0) })
                ?? json["kind"]?.string.flatMap({ kinds[$0] })
        else { return nil }
        self.init(base: base, path: path, kind: kind)
        create = json["create"]?.bool ?? false
        owner = json["owner"]?.string
        group = json["group"]?.string
        mode = json["mode"]?.int.flatMap { UInt32(exactly: $0) }
    }
}

extension EnvironmentFile {
    fileprivate func write(into json: inout JSONWriter) {
        json.beginObject()
        json.string("path", path)
        json.array("keys", keys) { $0.string($1) }
        json.endObject()
    }

    fileprivate init?(json: JSONValue) {
        guard let path = json["path"]?.string, let keys = json["keys"]?.list(\.string)
        else { return nil }
        self.init(path: path, keys: keys)
    }
}

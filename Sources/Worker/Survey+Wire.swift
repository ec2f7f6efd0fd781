import JSON
import Supervision

extension Survey {
    func write(into json: inout JSONWriter) {
        json.beginObject()
        json.integer("serial", Int64(serial))
        json.bool("survey", true)
        if let log {
            json.integer("log_offset", log.offset)
            json.string("log", hexadecimal(log.bytes.suffix(Self.mostLog)))
        }
        if let journal {
            json.string("cursor", journal.cursor)
            json.string("journal", hexadecimal(journal.bytes.prefix(Self.mostLog)))
        }
        if let memory {
            json.key("memory")
            memory.write(into: &json)
        }
        json.array("ports", ports.prefix(Self.mostItems)) { $1.write(into: &$0) }
        json.array("missing", missing.prefix(Self.mostItems)) { $1.write(into: &$0) }
        if let changes {
            json.key("changes")
            changes.write(into: &json)
        }
        json.integer("us", microseconds)
        json.endObject()
    }

    init?(_ json: JSONValue) {
        guard let serial = json["serial"]?.int, let microseconds = json["us"]?.integer,
            let ports = json["ports"]?.list(PortHolder.init(json:)), ports.count <= Self.mostItems,
            let missing = json["missing"]?.list(MissingEnvironment.init(json:)),
            missing.count <= Self.mostItems
        else { return nil }
        self.init(serial: serial)
        self.microseconds = microseconds
        self.ports = ports
        self.missing = missing
        memory = json["memory"].flatMap { MemoryUse(json: $0) }
        changes = json["changes"].flatMap { SystemChanges(json: $0) }
        if let offset = json["log_offset"]?.wide {
            guard let bytes = json["log"]?.string.flatMap(bytes(hexadecimal:)),
                bytes.count <= Self.mostLog
            else { return nil }
            log = LogEnd(offset: offset, bytes: bytes)
        }
        if let cursor = json["cursor"]?.string {
            guard JournalEnd.isCursor(cursor),
                let bytes = json["journal"]?.string.flatMap(bytes(hexadecimal:)),
                bytes.count <= Self.mostLog
            else { return nil }
            journal = JournalEnd(cursor: cursor, bytes: bytes)
        }
    }
}

extension MemoryUse {
    fileprivate func write(into json: inout JSONWriter) {
        json.beginObject()
        json.integer("bytes", bytes)
        if let limit { json.integer("limit", limit) }
        if let bytesWithinLimit { json.integer("within", bytesWithinLimit) }
        json.string("source", source.rawValue)
        json.integer("processes", Int64(processes))
        if let outOfMemoryKills { json.integer("oom_kills", outOfMemoryKills) }
        json.endObject()
    }

    fileprivate init?(json: JSONValue) {
        guard let bytes = json["bytes"]?.wide, let processes = json["processes"]?.int,
            let source = json["source"]?.string.flatMap({ Source(rawValue: $0) })
        else { return nil }
        self.init(bytes: bytes, source: source, processes: processes)
        limit = json["limit"]?.wide
        bytesWithinLimit = json["within"]?.wide
        outOfMemoryKills = json["oom_kills"]?.wide
    }
}

extension PortHolder {
    fileprivate func write(into json: inout JSONWriter) {
        json.beginObject()
        json.integer("port", Int64(port))
        if let process {
            json.key("process")
            process.write(into: &json)
        }
        json.string("name", name)
        json.string("unit", unit)
        json.integer("user", Int64(user))
        json.bool("own", isOwn)
        json.endObject()
    }

    fileprivate init?(json: JSONValue) {
        guard let port = json["port"].flatMap(UInt16.init(json:)), let name = json["name"]?.string,
            let unit = json["unit"]?.string, let isOwn = json["own"]?.bool,
            let user = json["user"]?.int.flatMap({ UInt32(exactly: $0) })
        else { return nil }
        self.init(
            port: port, process: json["process"].flatMap(ProcessIdentity.init(json:)), name: name,
            unit: unit, user: user, isOwn: isOwn)
    }
}

extension MissingEnvironment {
    fileprivate func write(into json: inout JSONWriter) {
        json.beginObject()
        json.string("path", path)
        if let reason { json.string("reason", reason) }
        json.array("keys", keys) { $0.string($1) }
        json.endObject()
    }

    fileprivate init?(json: JSONValue) {
        guard let path = json["path"]?.string, let keys = json["keys"]?.list(\.string)
        else { return nil }
        self.init(path: path, reason: json["reason"]?.string, keys: keys)
    }
}

extension SystemChanges {
    fileprivate func write(into json: inout JSONWriter) {
        json.beginObject()
        if let profile { json.integer("profile", profile) }
        if let current { json.integer("current", current) }
        if let etc { json.integer("etc", etc) }
        json.integer("boot", boot)
        json.endObject()
    }

    fileprivate init?(json: JSONValue) {
        guard let boot = json["boot"]?.wide else { return nil }
        self.init(boot: boot)
        profile = json["profile"]?.wide
        current = json["current"]?.wide
        etc = json["etc"]?.wide
    }
}

/// Two digits a byte: a log may hold what no JSON text can.
private func hexadecimal(_ bytes: ArraySlice<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(
        decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}

private func bytes(hexadecimal text: String) -> [UInt8]? {
    let digits = Array(text.utf8)
    guard digits.count % 2 == 0 else { return nil }
    var bytes: [UInt8] = []
    for place in stride(from: 0, to: digits.count, by: 2) {
        let pair = String(decoding: digits[place..<place + 2], as: UTF8.self)
        guard let byte = UInt8(pair, radix: 16) else { return nil }
        bytes.append(byte)
    }
    return bytes
}

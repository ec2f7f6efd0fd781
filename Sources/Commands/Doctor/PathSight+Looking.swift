import JSON
import Linux

extension PathSight {
    /// Looks. Blocks as long as the path does.
    init(at path: String) {
        do throws(SystemError) {
            let status = try FileStatus(following: path)
            let kind: PathFacts.Kind =
                switch status.kind {
                case .file: .file
                case .directory: .directory
                case .link, .special: .special
                }
            var facts = PathFacts(
                kind, mode: status.mode, isExecutable: isExecutable(path),
                isWritable: FileAccess.isWritable(path))
            facts.space = (try? FileSystemSpace(of: path)).map(PathFacts.Space.init)
            facts.defect = Self.defect(path)
            self = .found(facts)
        } catch {
            switch error.code {
            case SystemError.noEntry, SystemError.notDirectory: self = .missing
            case SystemError.accessDenied: self = .forbidden
            default: self = .failed(error.reason)
            }
        }
    }

    private static func defect(_ path: String) -> String? {
        guard ProcessTable.effectiveUser == 0 else { return nil }
        do throws(TrustedPath.Defect) { try TrustedPath.check(path) } catch { return "\(error)" }
        return nil
    }

    init(_ json: JSONValue) {
        switch json["is"]?.string {
        case "missing"?: self = .missing
        case "forbidden"?: self = .forbidden
        case "failed"?: self = .failed(json["why"]?.string ?? "")
        case let word?:
            guard let kind = PathFacts.Kind(rawValue: word) else { fallthrough }
            var facts = PathFacts(
                kind, mode: UInt32(clamping: json["mode"]?.integer ?? 0),
                isExecutable: json["x"]?.bool ?? false, isWritable: json["w"]?.bool ?? false)
            facts.defect = json["defect"]?.string
            facts.space = json["space"].flatMap(PathFacts.Space.init)
            self = .found(facts)
        default: self = .unseen("the answer is not understood")
        }
    }

    func write(into json: inout JSONWriter) {
        json.beginObject()
        switch self {
        case .found(let facts):
            json.string("is", facts.kind.rawValue)
            json.integer("mode", Int64(facts.mode))
            json.bool("x", facts.isExecutable)
            json.bool("w", facts.isWritable)
            if let defect = facts.defect { json.string("defect", defect) }
            if let space = facts.space {
                json.key("space")
                space.write(into: &json)
            }
        case .missing: json.string("is", "missing")
        case .forbidden: json.string("is", "forbidden")
        case .failed(let why):
            json.string("is", "failed")
            json.string("why", why)
        case .silent, .unseen: break
        }
        json.endObject()
    }
}

extension PathFacts.Space {
    fileprivate init(_ space: FileSystemSpace) {
        self.init(
            free: space.free, freeInodes: space.freeInodes, inodes: space.inodes,
            isReadOnly: space.isReadOnly)
    }

    fileprivate init?(_ json: JSONValue) {
        // What is larger than a number of JSON stands there as text.
        func number(_ key: String) -> Int64 {
            json[key]?.integer ?? json[key]?.string.flatMap { Int64($0) } ?? 0
        }
        guard let isReadOnly = json["ro"]?.bool else { return nil }
        self.init(
            free: number("free"), freeInodes: number("ifree"), inodes: number("inodes"),
            isReadOnly: isReadOnly)
    }

    fileprivate func write(into json: inout JSONWriter) {
        json.beginObject()
        json.string("free", "\(free)")
        json.string("ifree", "\(freeInodes)")
        json.string("inodes", "\(inodes)")
        json.bool("ro", isReadOnly)
        json.endObject()
    }
}

internal import ArgumentParser
import JSON
import Linux
import NixOS

/// `regen doctor-look`: what `regen doctor` runs to look at what may never answer, as whom it is
/// about. Each argument is a `LookOrder`; each answer is a line.
struct LookCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor-look", abstract: "Looks for regen doctor.", shouldDisplay: false)

    @Argument var orders: [String]

    func run() throws {
        for text in orders {
            guard let order = LookOrder(text) else {
                throw Exit.wrong("only regen doctor starts me")
            }
            try Terminal.output.write(order.answer + "\n")
        }
    }
}

/// One look.
enum LookOrder {
    case path(String)
    case account(user: String, group: String?, groups: [String]?)
    case system(root: String)

    var text: String {
        var json = JSONWriter()
        json.beginObject()
        switch self {
        case .path(let path): json.string("path", path)
        case .account(let user, let group, let groups):
            json.string("user", user)
            if let group { json.string("group", group) }
            if let groups {
                json.key("groups")
                json.beginArray()
                for group in groups { json.string(group) }
                json.endArray()
            }
        case .system(let root): json.string("root", root)
        }
        json.endObject()
        return String(decoding: json.bytes, as: UTF8.self)
    }

    /// An argument is no longer than the kernel lets one be.
    static let longest = 128 << 10

    init?(_ text: String) {
        guard let json = try? JSONValue.parse(Array(text.utf8), limit: Self.longest) else {
            return nil
        }
        if let path = json["path"]?.string {
            self = .path(path)
        } else if let user = json["user"]?.string {
            let groups = json["groups"]?.array.map { $0.compactMap(\.string) }
            self = .account(user: user, group: json["group"]?.string, groups: groups)
        } else if let root = json["root"]?.string {
            self = .system(root: root)
        } else {
            return nil
        }
    }

    /// One line of JSON.
    var answer: String {
        var json = JSONWriter()
        switch self {
        case .path(let path): PathSight(at: path).write(into: &json)
        case .account(let user, let group, let groups):
            AccountSight(user: user, group: group, groups: groups).write(into: &json)
        case .system(let root): return Self.landscape(SystemRoot(root))
        }
        return String(decoding: json.bytes, as: UTF8.self)
    }

    private static func landscape(_ root: SystemRoot) -> String {
        do throws(SystemError) {
            let landscape = try Surveyor(root: root).landscape()
            let line = SystemReport.line(landscape, nil) ?? []
            return String(decoding: line.dropLast(), as: UTF8.self)
        } catch { return "\(error)".printable }
    }
}

/// Who a service is.
enum AccountSight: Equatable {
    case known(Account)
    /// `user 'web'`
    case unknown(String)
    case silent

    init(user: String, group: String?, groups: [String]?) {
        do throws(Account.Unknown) {
            self = .known(try Account.named(user, group: group, groups: groups))
        } catch { self = .unknown(error.what) }
    }

    init(_ json: JSONValue?) {
        if let what = json?["unknown"]?.string {
            self = .unknown(what)
        } else if let user = json?["uid"]?.integer, let group = json?["gid"]?.integer {
            let groups = json?["groups"]?.array?.compactMap(\.integer) ?? []
            self = .known(
                Account(
                    user: UInt32(clamping: user), group: UInt32(clamping: group),
                    groups: groups.map { UInt32(clamping: $0) }))
        } else {
            self = .silent
        }
    }

    func write(into json: inout JSONWriter) {
        json.beginObject()
        switch self {
        case .known(let account):
            json.integer("uid", Int64(account.user))
            json.integer("gid", Int64(account.group))
            json.key("groups")
            json.beginArray()
            for group in account.groups { json.integer(Int64(group)) }
            json.endArray()
        case .unknown(let what): json.string("unknown", what)
        case .silent: break
        }
        json.endObject()
    }
}

extension PathSight {
    /// Looks. Blocks as long as the path does.
    fileprivate init(at path: String) {
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

import JSON
import Linux
import NixOS

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

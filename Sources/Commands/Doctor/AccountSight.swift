import JSON
import Linux

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

private import CLinux
private import Glibc

/// Who a child is.
public struct Account: Equatable, Sendable {
    /// User id.
    public var user: UInt32
    /// Group id.
    public var group: UInt32
    /// Supplementary group ids.
    public var groups: [UInt32]
    /// The user's name, home and shell, for the environment.
    public var name: String
    /// See `name`.
    public var home: String
    /// See `name`.
    public var shell: String

    /// Somebody of whom only the numbers are known.
    public init(user: UInt32, group: UInt32, groups: [UInt32]) {
        self.init(user: user, group: group, groups: groups, name: "", home: "/", shell: "/bin/sh")
    }

    init(
        user: UInt32, group: UInt32, groups: [UInt32], name: String, home: String, shell: String
    ) {
        self.user = user
        self.group = group
        self.groups = groups
        self.name = name
        self.home = home
        self.shell = shell
    }

    /// Why there is no such account: the name that nobody knows.
    public struct Unknown: Error, Equatable, Sendable {
        /// `user 'web'`
        public let what: String
    }

    /// More supplementary groups than this are cut off; the kernel's own limit is 65,536.
    static let mostGroups = 1024

    /// Looks the account up. `group` and `groups`, where given, replace what the user has.
    /// Names may be numbers. The corresponding C functions are `getpwnam_r`, `getgrnam_r` and
    /// `getgrouplist`.
    public static func named(
        _ user: String, group: String?, groups: [String]?
    ) throws(Unknown) -> Account {
        var account = try lookUp(user)
        if let group { account.group = try groupID(group) }
        if let groups {
            account.groups = []
            for group in groups { account.groups.append(try groupID(group)) }
        } else {
            account.groups = memberships(account)
        }
        return account
    }

    private static func lookUp(_ user: String) throws(Unknown) -> Account {
        let number = UInt32(user)
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        let account: Account? = withUnsafeTemporaryAllocation(byteCount: 16384, alignment: 16) {
            let buffer = $0.baseAddress!.assumingMemoryBound(to: CChar.self)
            if let number {
                getpwuid_r(number, &entry, buffer, $0.count, &found)
            } else {
                getpwnam_r(user, &entry, buffer, $0.count, &found)
            }
            guard found != nil else { return nil }
            return Account(
                user: entry.pw_uid, group: entry.pw_gid, groups: [],
                name: String(cString: entry.pw_name), home: String(cString: entry.pw_dir),
                shell: String(cString: entry.pw_shell))
        }
        if let account { return account }
        guard let number else { throw Unknown(what: "user '\(user)'") }
        return Account(
            user: number, group: number, groups: [], name: user, home: "/", shell: "/bin/sh")
    }

    /// The number of a group; a name may be a number. The corresponding C function is
    /// `getgrnam_r`.
    public static func groupID(_ name: String) throws(Unknown) -> UInt32 {
        if let number = UInt32(name) { return number }
        var entry = Glibc.group()
        var found: UnsafeMutablePointer<Glibc.group>?
        let id: UInt32? = withUnsafeTemporaryAllocation(byteCount: 65536, alignment: 16) {
            getgrnam_r(
                name, &entry, $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count, &found)
            return found == nil ? nil : entry.gr_gid
        }
        guard let id else { throw Unknown(what: "group '\(name)'") }
        return id
    }

    private static func memberships(_ account: Account) -> [UInt32] {
        var count = Int32(mostGroups)
        var groups = [gid_t](repeating: 0, count: mostGroups)
        getgrouplist(account.name, account.group, &groups, &count)
        return Array(groups.prefix(Int(min(max(count, 0), Int32(mostGroups)))))
    }
}

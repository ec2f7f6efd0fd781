import Supervision

/// Where a connection goes: `127.0.0.1:80`, `[::1]:80`, `localhost:80`, or a port of this machine.
struct Address {
    /// A name or a number, an IPv6 address without its brackets.
    var host: String
    var port: UInt16

    static let thisMachine = "127.0.0.1"

    /// In one text, or as `{ host: …, port: … }`.
    init(_ place: Place, _ findings: inout Findings) {
        guard case .mapping = place.tree.content else {
            self = place.read(
                or: Address(host: Address.thisMachine, port: 1), &findings, Address.parse)
            place.warnOfAnyAddress(host, &findings)
            return
        }
        let section = Section(place, keys: ["host", "port"] + ProbePolicy.keys, &findings)
        host = section.read("host", or: Address.thisMachine, &findings, hostName)
        port = section.needed("port", or: 1, &findings, portNumber)
        place.child("host").warnOfAnyAddress(host, &findings)
    }

    private init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// A port alone, or a host and a port.
    static func parse(_ tree: Tree) throws(Complaint) -> Address {
        let text = try text(tree)
        if text.utf8.allSatisfy(isDigit) {
            return Address(host: thisMachine, port: try portNumber(tree))
        }
        guard let (host, port) = hostAndPort(text), let port else {
            throw Complaint(
                "\(quoted(text)) is not a host and a port",
                "write \"127.0.0.1:80\", \"[::1]:80\" or a port alone")
        }
        return Address(host: host, port: port)
    }

    /// As `parse` reads it.
    static func configured(host: String, port: UInt16) -> String {
        host.utf8.contains(colon) ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}

/// A TCP port.
func portNumber(_ tree: Tree) throws(Complaint) -> UInt16 {
    let text = try text(tree)
    guard let port = decimal(text, as: UInt16.self), port > 0 else {
        throw Complaint("\(quoted(text)) is not a port, which is a number from 1 to 65535")
    }
    return port
}

/// The longest URL in bytes.
let longestURL = 2048

/// A URL that a probe may ask for.
func webAddress(_ tree: Tree) throws(Complaint) -> String {
    let url = try text(tree)
    guard url.utf8.count <= longestURL else {
        throw Complaint("the URL is longer than \(longestURL) bytes")
    }
    guard url.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
        throw Complaint(
            "the URL has a space, a control character or one beyond ASCII", "percent-encode it")
    }
    guard let authority = authority(of: url) else {
        throw Complaint("the URL does not begin with http:// or https://")
    }
    // The message must not show what it warns of.
    guard !authority.utf8.contains(UInt8(ascii: "@")) else {
        throw Complaint(
            "a user or a password in a URL ends up in logs",
            "take it out, and write an Authorization header below 'headers'")
    }
    guard hostAndPort(authority) != nil else {
        throw Complaint(
            "\(quoted(authority)) in the URL is not a host with or without a port",
            "write an IPv6 address in brackets")
    }
    return url
}

/// The host and the port of a URL, as they stand there; `nil` when it is neither HTTP nor HTTPS.
func authority(of url: String) -> String? {
    let scheme = ["http://", "https://"].first { url.lowercased().hasPrefix($0) }
    guard let scheme else { return nil }
    let rest = url.utf8.dropFirst(scheme.utf8.count)
    let ends: [UInt8] = [slash, UInt8(ascii: "?"), UInt8(ascii: "#")]
    return String(rest.prefix { !ends.contains($0) })
}

/// `host`, `host:port`, `[IPv6]` or `[IPv6]:port`.
func hostAndPort(_ text: String) -> (host: String, port: UInt16?)? {
    var (host, rest) = (text[...], text[...].dropFirst(text.count))
    if text.utf8.first == UInt8(ascii: "[") {
        guard let end = text.firstIndex(of: "]") else { return nil }
        host = text[text.index(after: text.startIndex)..<end]
        rest = text[text.index(after: end)...]
        guard isIPv6(host) else { return nil }
    } else {
        if let end = text.firstIndex(of: ":") { (host, rest) = (text[..<end], text[end...]) }
        guard isHostName(host) else { return nil }
    }
    if rest.isEmpty { return (String(host), nil) }
    guard rest.first == ":", let port = decimal(rest.dropFirst(), as: UInt16.self), port > 0
    else { return nil }
    return (String(host), port)
}

/// A host by name or number; an IPv6 address with or without its brackets.
private func hostName(_ tree: Tree) throws(Complaint) -> String {
    let text = try text(tree)
    if isIPv6(text[...]) { return text }
    guard let (host, port) = hostAndPort(text), port == nil else {
        throw Complaint("\(quoted(text)) is not a host")
    }
    return host
}

/// The longest name of a host that the DNS has, in bytes.
let longestHostName = 253

private func isHostName(_ text: Substring) -> Bool {
    (1...longestHostName).contains(text.utf8.count) && text.utf8.allSatisfy(isNameByte)
}

/// As far as its characters tell.
private func isIPv6(_ text: Substring) -> Bool {
    (2...longestIPv6).contains(text.utf8.count) && text.utf8.contains(colon)
        && text.allSatisfy { $0.isASCII && $0.isHexDigit || $0 == ":" || $0 == "." }
}

/// Eight groups of four digits, the last two written as an IPv4 address.
private let longestIPv6 = 45

/// Whether nobody else can be on the way to a host, or listen for it. A name that only begins like a
/// number of this machine's (127.0.0.1.example) is somebody's.
func isThisMachine(_ host: String) -> Bool {
    let bytes = host.split(separator: ".", omittingEmptySubsequences: false)
    let isLoopback = bytes.count == 4 && bytes[0] == "127" && bytes.allSatisfy { UInt8($0) != nil }
    return isLoopback || host == "localhost" || host == "::1"
}

extension Place {
    /// 0.0.0.0 is where a server listens; to connect there means something else on each system.
    func warnOfAnyAddress(_ host: String, _ findings: inout Findings) {
        guard host == "0.0.0.0" || host == "::" else { return }
        let meant = host == "::" ? "[::1]" : Address.thisMachine
        findings.warning(
            self,
            Complaint("\(host) is an address to listen at, not to connect to", "write \(meant)"))
    }
}

let colon = UInt8(ascii: ":")

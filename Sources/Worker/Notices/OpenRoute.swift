public import Configuration
public import JSON
public import Supervision

/// A route with its secrets read: what `regen-net notify` finds in the descriptor that it is started
/// with. It is never written to anything that has a name.
public struct OpenRoute: Equatable, Sendable {
    /// Its name.
    public var name: String
    /// How people are told.
    public var way: Way
    /// Whether the server's certificate must be good.
    public var verify: Bool
    /// A file of certificates of the authorities to believe, instead of the system's.
    public var authorities: String?
    /// An attempt without an answer for so long has failed.
    public var timeout: Interval

    /// The longest file with a secret in bytes.
    public static let longestSecret = 8 << 10
    /// The most bytes of one as JSON: it has a URL, headers, a secret and two paths.
    public static let mostBytes = 128 << 10

    /// How people are told.
    public enum Way: Equatable, Sendable {
        /// By HTTP POST to this URL. Authorization is among the headers.
        case webhook(url: String, headers: [HTTPProbe.Header])
        /// By mail.
        case mail(Letterbox)
    }

    /// A mail server, and what it is told.
    public struct Letterbox: Equatable, Sendable {
        /// Its URL, without a user and a password.
        public var server: String
        /// Whether the connection must be encrypted.
        public var isEncrypted: Bool
        /// Who the mail is from.
        public var from: String
        /// Who gets it.
        public var to: [String]
        /// Who logs in.
        public var user: String?
        /// With this password.
        public var password: String?
    }

    /// A webhook as it is configured, and the secrets that it needs.
    public init(name: String, _ webhook: Webhook, url: String, authorization: String?) {
        self.name = name
        let secret = authorization.map { [HTTPProbe.Header("Authorization", $0)] } ?? []
        way = .webhook(url: url, headers: webhook.headers + secret)
        verify = webhook.verify
        authorities = webhook.authorities
        timeout = webhook.timeout
    }

    /// The same for mail.
    public init(name: String, _ mail: Mail, password: String?) {
        self.name = name
        way = .mail(
            Letterbox(
                server: mail.server, isEncrypted: mail.isEncrypted, from: mail.from, to: mail.to,
                user: mail.user, password: password))
        verify = mail.verify
        authorities = mail.authorities
        timeout = mail.timeout
    }

    /// With its secrets.
    public func write(into json: inout JSONWriter) {
        json.beginObject()
        json.string("name", name)
        switch way {
        case .webhook(let url, let headers):
            json.string("url", url)
            json.array("headers", headers) { json, header in
                json.beginArray()
                json.string(header.name)
                json.string(header.value)
                json.endArray()
            }
        case .mail(let mail):
            json.key("mail")
            mail.write(into: &json)
        }
        json.bool("verify", verify)
        if let authorities { json.string("authorities", authorities) }
        json.integer("timeout_ms", timeout.nanoseconds / 1_000_000)
        json.endObject()
    }

    /// Reads what `write` wrote; `nil` when it is something else.
    public init?(_ bytes: [UInt8]) {
        guard let json = try? JSONValue.parse(bytes, limit: Self.mostBytes),
            let name = json["name"]?.string, let way = Way(json),
            let verify = json["verify"]?.bool, let timeout = json["timeout_ms"]?.integer,
            (1...NoticeRoute.timeouts.upperBound.nanoseconds / 1_000_000).contains(timeout)
        else { return nil }
        self.name = name
        self.way = way
        self.verify = verify
        authorities = json["authorities"]?.string
        self.timeout = .milliseconds(timeout)
    }
}

extension OpenRoute.Way {
    fileprivate init?(_ json: JSONValue) {
        if let mail = json["mail"].flatMap({ OpenRoute.Letterbox($0) }) {
            self = .mail(mail)
        } else if let url = json["url"]?.string,
            let headers = json["headers"]?.list({ HTTPProbe.Header($0) })
        {
            self = .webhook(url: url, headers: headers)
        } else {
            return nil
        }
    }
}

extension OpenRoute.Letterbox {
    fileprivate func write(into json: inout JSONWriter) {
        json.beginObject()
        json.string("server", server)
        json.bool("encrypted", isEncrypted)
        json.string("from", from)
        json.array("to", to) { $0.string($1) }
        if let user { json.string("user", user) }
        if let password { json.string("password", password) }
        json.endObject()
    }

    fileprivate init?(_ json: JSONValue) {
        guard let server = json["server"]?.string, let isEncrypted = json["encrypted"]?.bool,
            let from = json["from"]?.string, let to = json["to"]?.list({ $0.string })
        else { return nil }
        self.init(
            server: server, isEncrypted: isEncrypted, from: from, to: to,
            user: json["user"]?.string, password: json["password"]?.string)
    }
}

extension HTTPProbe.Header {
    fileprivate init?(_ json: JSONValue) {
        guard let pair = json.array, pair.count == 2, let name = pair[0].string,
            let value = pair[1].string
        else { return nil }
        self.init(name, value)
    }
}

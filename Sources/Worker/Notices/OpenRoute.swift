public import Configuration
public import JSON
public import Supervision

/// A route with its secrets read: what `regen-net notify` finds in the descriptor that it is started
/// with. It is never written to anything that has a name.
public struct OpenRoute: Equatable, Sendable {
    /// Its name.
    public var name: String
    /// The URL.
    public var url: String
    /// Headers of each request, Authorization included.
    public var headers: [HTTPProbe.Header]
    /// Whether the server's certificate must be good.
    public var verify: Bool
    /// A file of certificates of the authorities to believe, instead of the system's.
    public var authorities: String?
    /// An attempt without an answer for so long has failed.
    public var timeout: Interval

    /// The longest file with a secret in bytes.
    public static let longestSecret = 8 << 10
    /// The most bytes of all routes as JSON: each has a URL, headers, a secret and two paths.
    public static let mostBytes = NoticeRoute.most * (128 << 10)

    /// A route as it is configured, and the secrets that it needs.
    public init(_ route: NoticeRoute, url: String, authorization: String?) {
        name = route.name
        self.url = url
        headers = route.webhook.headers
        if let authorization {
            headers.append(HTTPProbe.Header("Authorization", authorization))
        }
        verify = route.webhook.verify
        authorities = route.webhook.authorities
        timeout = route.webhook.timeout
    }

    /// All of them.
    public static func write(_ routes: [OpenRoute], into json: inout JSONWriter) {
        json.beginObject()
        json.array("routes", routes) { $1.write(into: &$0) }
        json.endObject()
    }

    /// Reads what `write` wrote; `nil` when it is something else.
    public static func read(_ bytes: [UInt8]) -> [OpenRoute]? {
        guard let json = try? JSONValue.parse(bytes, limit: mostBytes) else { return nil }
        return json["routes"]?.list { OpenRoute($0) }
    }

    private func write(into json: inout JSONWriter) {
        json.beginObject()
        json.string("name", name)
        json.string("url", url)
        json.array("headers", headers) { json, header in
            json.beginArray()
            json.string(header.name)
            json.string(header.value)
            json.endArray()
        }
        json.bool("verify", verify)
        if let authorities { json.string("authorities", authorities) }
        json.integer("timeout_ms", timeout.nanoseconds / 1_000_000)
        json.endObject()
    }

    private init?(_ json: JSONValue) {
        guard let name = json["name"]?.string, let url = json["url"]?.string,
            let headers = json["headers"]?.list({ HTTPProbe.Header($0) }),
            let verify = json["verify"]?.bool, let timeout = json["timeout_ms"]?.integer,
            (1...Webhook.timeouts.upperBound.nanoseconds / 1_000_000).contains(timeout)
        else { return nil }
        self.name = name
        self.url = url
        self.headers = headers
        self.verify = verify
        authorities = json["authorities"]?.string
        self.timeout = .milliseconds(timeout)
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

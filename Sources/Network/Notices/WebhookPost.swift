import CCurl
import Configuration
import JSON
import Worker

/// A route that posts JSON.
final class WebhookPost: Post {
    private var json = JSONWriter()

    static func prepare(
        _ route: OpenRoute, url: String, _ headers: [HTTPProbe.Header]
    ) throws(Obstacle) -> Easy {
        let easy = try Easy.basic(url: url, timeout: route.timeout)
        try easy.believe(route.authorities, verify: route.verify)
        var headers = headers
        if !headers.contains(where: { $0.name.lowercased() == "content-type" }) {
            headers.append(.init("Content-Type", "application/json"))
        }
        easy.set(CURLOPT_HTTPHEADER, Easy.lines(headers))
        easy.set(CURLOPT_POST, 1)
        return easy
    }

    /// Its answer's body is of no interest.
    override func say(_ announcement: Announcement, with easy: Easy) {
        super.say(announcement, with: easy)
        json.removeAll()
        announcement.write(into: &json)
        length = json.bytes.count
        // ASCII without NUL: libcurl copies it.
        easy.set(CURLOPT_POSTFIELDSIZE, length)
        easy.set(CURLOPT_COPYPOSTFIELDS, String(decoding: json.bytes, as: UTF8.self))
    }

    /// Once there is a status, it alone counts: a server that has taken a notice and then hangs in its
    /// answer would get it twice.
    override func answer(_ code: CURLcode, _ easy: Easy) -> End? {
        let status = easy.number(CURLINFO_RESPONSE_CODE)
        guard code == CURLE_OK || reception.hasHead, status >= 200 else { return nil }
        let outcome = DeliveryAnswer.outcome(ofStatus: status)
        return (outcome, status, outcome == .delivered ? "" : Self.words(status))
    }

    private static func words(_ status: Int) -> String {
        (300...399).contains(status)
            ? "HTTP \(status); redirects are not followed" : "HTTP \(status)"
    }

    /// The same without the server's name: it may be a part of the secret.
    override func discreet(_ reason: String, _ easy: Easy) -> String {
        let (text, name) = (Array(reason.utf8), Array(easy.host.utf8))
        guard !name.isEmpty else { return reason }
        var told: [UInt8] = []
        var rest = text[...]
        while let first = rest.first {
            if rest.starts(with: name) {
                told += Array("its host".utf8)
                rest = rest.dropFirst(name.count)
            } else {
                told.append(first)
                rest = rest.dropFirst()
            }
        }
        return String(decoding: told, as: UTF8.self)
    }
}

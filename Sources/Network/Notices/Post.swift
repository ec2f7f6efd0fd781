import CCurl
import Configuration
import JSON
import Linux
import Supervision
import Worker

/// A route with everything made ready for its requests.
final class Post: Exchange {
    /// Why it can do none.
    private(set) var obstacle: String?
    private var json = JSONWriter()

    init(_ route: OpenRoute, _ transfers: Transfers) {
        super.init(timeout: route.timeout, transfers)
        do throws(Obstacle) { connect(try Self.prepare(route)) } catch { obstacle = error.text }
    }

    private static func prepare(_ route: OpenRoute) throws(Obstacle) -> Easy {
        let easy = try Easy.basic(url: route.url, timeout: route.timeout)
        try easy.believe(route.authorities, verify: route.verify)
        var headers = route.headers
        if !headers.contains(where: { $0.name.lowercased() == "content-type" }) {
            headers.append(.init("Content-Type", "application/json"))
        }
        easy.set(headers: Easy.lines(headers))
        easy.set(CURLOPT_POST, 1)
        return easy
    }

    /// Has the next request say this; its answer's body is of no interest.
    func say(_ announcement: Announcement, with easy: Easy) {
        reception.begin(keepingBody: false)
        easy.clearComplaint()
        json.removeAll()
        announcement.write(into: &json)
        // ASCII without NUL: libcurl copies it.
        easy.set(CURLOPT_POSTFIELDSIZE, json.bytes.count)
        easy.set(CURLOPT_COPYPOSTFIELDS, String(decoding: json.bytes, as: UTF8.self))
    }

    /// What an ended transfer says. Once there is a status, it alone counts: a server that has taken
    /// a notice and then hangs in its answer would get it twice.
    func outcome(
        _ code: CURLcode, excuse: () -> String?
    ) -> (DeliveryAnswer.Outcome, status: Int?, reason: String) {
        guard let easy else { return (.unknown, nil, obstacle ?? "nobody was asked") }
        let status = easy.number(CURLINFO_RESPONSE_CODE)
        if code == CURLE_OK || reception.hasHead, status >= 200 {
            let outcome = DeliveryAnswer.outcome(ofStatus: status)
            return (outcome, status, outcome == .delivered ? "" : Self.words(status))
        }
        if let shortage = reception.shortage ?? excuse() { return (.unknown, nil, shortage) }
        if reception.excess == .headers { return (.failed, nil, Trouble.tooManyHeaders) }
        switch Trouble(code, easy, self).finding {
        case .failed(let reason, _): return (.failed, nil, discreet(reason, easy.host))
        case .unknown(let reason): return (.unknown, nil, discreet(reason, easy.host))
        case .passed: return (.failed, nil, "no answer")
        }
    }

    private static func words(_ status: Int) -> String {
        (300...399).contains(status)
            ? "HTTP \(status); redirects are not followed" : "HTTP \(status)"
    }

    /// The same without the server's name: it may be a part of the secret.
    private func discreet(_ reason: String, _ host: String) -> String {
        let (text, name) = (Array(reason.utf8), Array(host.utf8))
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

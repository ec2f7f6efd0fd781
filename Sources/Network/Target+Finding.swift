import CCurl
import Configuration
import Linux
import Supervision

extension Target {
    /// What an ended transfer says of the service.
    func finding(_ code: CURLcode) -> Finding {
        guard let easy else { return .unknown("nothing was asked") }
        if let shortage = reception.shortage { return .unknown(shortage) }
        switch reception.excess {
        case .body: return .failed("answered more than 1 MiB")
        case .headers: return .failed(Trouble.tooManyHeaders)
        case nil: break
        }
        guard code == CURLE_OK else { return Trouble(code, easy, self).finding }
        switch way {
        case .http(let http, let pattern):
            return Self.finding(
                http, pattern, status: easy.number(CURLINFO_RESPONSE_CODE), reception.body)
        case .server(let tls): return Self.finding(tls, pem: easy.certificate)
        case .connection: return .passed()
        case .file, .none: return .unknown("nothing was asked")
        }
    }

    private static func finding(
        _ http: HTTPProbe, _ pattern: RegularExpression?, status: Int, _ body: [UInt8]
    ) -> Finding {
        guard http.status.contains(where: { $0.contains(status) }) else {
            return .failed("HTTP \(status), expected \(words(http.status))")
        }
        if let text = http.contains, !body.contains(text) {
            return .failed("the answer does not contain \(quoted(text))")
        }
        if let pattern, !body.withUnsafeBytes({ pattern.matches($0) }) {
            return .failed("the answer does not match \(quoted(http.matches ?? ""))")
        }
        return .passed()
    }

    /// `200-299 or 404`
    private static func words(_ ranges: [ClosedRange<Int>]) -> String {
        ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
            .joined(separator: " or ")
    }

    /// What a certificate, or the lack of one, says.
    static func finding(_ tls: TLSProbe, pem: [UInt8]?) -> Finding {
        guard let pem else { return .failed("no certificate was shown") }
        guard let certificate = Certificate(pem: pem) else {
            return .failed("no certificate that can be read")
        }
        let days = certificate.daysLeft
        if certificate.isTooYoung {
            return .failed("the certificate is not good yet", value: days)
        }
        if certificate.hasExpired { return .failed("the certificate has expired", value: days) }
        guard days >= Int64(tls.days) else {
            return .failed(
                "the certificate is good for \(days) more days, expected \(tls.days)", value: days)
        }
        guard let missing = tls.names.first(where: { !certificate.isFor($0) }) else {
            return .passed(value: days)
        }
        return .failed("the certificate is for \(certificate.names), not \(missing)", value: days)
    }

    /// Judges the certificate in a file.
    static func finding(_ tls: TLSProbe, file path: String) -> Finding {
        do { return finding(tls, pem: try readInput(path, limit: Certificate.mostBytes)) } catch {
            return .failed("no certificate: \(error)")
        }
    }
}

/// A text in quotes, cut to what a line has room for.
func quoted(_ text: String) -> String {
    let most = 80
    return text.count <= most ? "'\(text)'" : "'\(text.prefix(most))…'"
}

extension [UInt8] {
    /// Whether the text is somewhere in it.
    func contains(_ text: String) -> Bool {
        withUnsafeBytes { bytes in
            var text = text
            return text.withUTF8 { bytes.contains(UnsafeRawBufferPointer($0)) }
        }
    }
}

import CCurl
import Linux
import Supervision

/// A transfer that libcurl gave up, in a person's words.
struct Trouble {
    private let code: CURLcode
    private let easy: Easy
    private let exchange: Exchange

    init(_ code: CURLcode, _ easy: Easy, _ exchange: Exchange) {
        self.code = code
        self.easy = easy
        self.exchange = exchange
    }

    /// What it says of the server. What it says of this worker or this machine is not held against
    /// the service.
    var finding: Finding {
        switch code {
        case CURLE_OPERATION_TIMEDOUT: .failed(silence)
        case CURLE_COULDNT_CONNECT, CURLE_SEND_ERROR, CURLE_RECV_ERROR: connection
        case CURLE_COULDNT_RESOLVE_HOST: resolution
        case CURLE_GOT_NOTHING: .failed(Self.nothing)
        case CURLE_PARTIAL_FILE: .failed("the connection was closed in the middle of the answer")
        case CURLE_TOO_MANY_REDIRECTS: .failed("too many redirects")
        case CURLE_UNSUPPORTED_PROTOCOL where isRedirect:
            .failed("redirects to something that is neither http nor https")
        case CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY:
            .failed("what it answers is not HTTP/1 (\(words))")
        case CURLE_OUT_OF_MEMORY where easy.largeNumber(CURLINFO_STARTTRANSFER_TIME_T) > 0,
            Self.tooLarge:
            // One header line longer than what libcurl keeps of one; older ones call it a lack of memory.
            .failed(Self.tooManyHeaders)
        case CURLE_PEER_FAILED_VERIFICATION: .failed(certificate)
        case CURLE_SSL_CONNECT_ERROR: .failed("no TLS connection: \(shake)")
        case CURLE_OUT_OF_MEMORY, CURLE_FAILED_INIT, CURLE_ABORTED_BY_CALLBACK,
            CURLE_URL_MALFORMAT, CURLE_SSL_CACERT_BADFILE, CURLE_BAD_FUNCTION_ARGUMENT,
            CURLE_NO_CONNECTION_AVAILABLE, CURLE_INTERFACE_FAILED, CURLE_UNKNOWN_OPTION,
            CURLE_NOT_BUILT_IN, CURLE_SSL_ENGINE_INITFAILED:
            .unknown(words)
        default: .failed(words)
        }
    }

    /// The reason when the bound of headers is reached.
    static let tooManyHeaders = "answered more than 64 KiB of headers"

    private static let nothing = "the connection was closed without an answer"

    /// CURLE_TOO_LARGE of libcurl 8.6.
    private static let tooLarge = CURLcode(rawValue: 100)

    private var silence: String {
        let time = Self.words(exchange.timeout)
        if exchange.reception.hasBegun { return "the answer was not complete within \(time)" }
        if easy.looksUpNames, easy.largeNumber(CURLINFO_NAMELOOKUP_TIME_T) == 0 {
            return "no address of \(easy.host) within \(time)"
        }
        return "no answer within \(time)"
    }

    private var connection: Finding {
        let number = Int32(easy.number(CURLINFO_OS_ERRNO))
        guard number != 0 else {
            // One kept connection after the other was closed when it was used.
            let isDead = words.hasPrefix("Connection died")
            return .failed(isDead ? Self.nothing : words)
        }
        let reason = SystemError(number, "").reason
        let text = reason.prefix(1).lowercased() + reason.dropFirst()
        return SystemError.isShortage(number) || SystemError.isRefusal(number)
            ? .unknown(text) : .failed(text)
    }

    private var resolution: Finding {
        let start = "Could not resolve host: "
        guard easy.complaint.hasPrefix(start) else { return .unknown(words) }
        return .failed("no address of \(easy.complaint.dropFirst(start.count))")
    }

    private var certificate: String {
        guard easy.complaint.contains("subject name") else {
            let known = "SSL certificate problem: "
            let text = easy.complaint
            return "the certificate is not good: "
                + (text.hasPrefix(known) ? String(text.dropFirst(known.count)) : text)
        }
        let names = easy.certificate.flatMap { Certificate(pem: $0) }?.names ?? "others"
        return "the certificate is for \(names), not \(easy.host)"
    }

    /// OpenSSL's last words: what stands behind `… error:0A00010B:SSL routines::`.
    private var shake: Substring {
        guard words.contains("error:"), let colon = words.lastIndex(of: ":") else {
            return words[...]
        }
        return words[words.index(after: colon)...]
    }

    private var isRedirect: Bool {
        (300...399).contains(easy.number(CURLINFO_RESPONSE_CODE))
    }

    /// libcurl's own words.
    private var words: String {
        easy.complaint.isEmpty ? String(cString: curl_easy_strerror(code)) : easy.complaint
    }

    /// `1 s`, `250 ms`
    private static func words(_ time: Interval) -> String {
        let milliseconds = time.nanoseconds / 1_000_000
        return milliseconds % 1000 == 0 ? "\(milliseconds / 1000) s" : "\(milliseconds) ms"
    }
}

public import Supervision

/// An address that takes notices by HTTP POST.
public struct Webhook: Equatable, Sendable {
    /// Where it is.
    public var address: Address
    /// Headers of each request, in the order of the file; none is a secret.
    public var headers: [HTTPProbe.Header] = []
    /// A file with what the header Authorization says.
    public var authorizationFile: String?
    /// Whether the server's certificate must be good.
    public var verify = true
    /// A file of certificates of the authorities to believe, instead of the system's.
    public var authorities: String?
    /// An attempt without an answer for so long has failed.
    public var timeout = Interval.seconds(10)

    /// Where notices go.
    public enum Address: Equatable, Sendable {
        /// To this URL, which everybody may know.
        case url(String)
        /// To the URL in this file, which is a secret.
        case file(String)
    }

    /// A webhook with every default.
    public init(_ address: Address) { self.address = address }

    /// The files whose contents are nobody's business.
    var secretFiles: [String] {
        var files: [String] = []
        if case .file(let path) = address { files.append(path) }
        if let authorizationFile { files.append(authorizationFile) }
        return files
    }

    /// Whether a text is a URL that notices can go to, by the rules of the configuration.
    public static func isURL(_ text: String) -> Bool {
        (try? webAddress(Tree(.scalar(text, quoted: true)))) != nil
    }
}

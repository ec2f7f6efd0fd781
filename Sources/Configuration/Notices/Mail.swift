public import Supervision

/// A server that takes notices as mail, and for whom.
public struct Mail: Equatable, Sendable {
    /// `smtps://HOST[:PORT]`, encrypted from the first byte, or `smtp://HOST[:PORT]`.
    public var server: String
    /// How a connection to an `smtp://` server becomes an encrypted one.
    public var starttls = STARTTLS.required
    /// Who it is from.
    public var from: String
    /// Who gets it: 1 to `mostRecipients`.
    public var to: [String]
    /// Who logs in; `nil`: nobody.
    public var user: String?
    /// A file with the user's password; there is one exactly when there is a user.
    public var passwordFile: String?
    /// Whether the server's certificate must be good.
    public var verify = true
    /// A file of certificates of the authorities to believe, instead of the system's.
    public var authorities: String?
    /// An attempt without an answer for so long has failed.
    public var timeout = Interval.seconds(30)

    /// Whether a connection must become an encrypted one.
    public enum STARTTLS: String, CaseIterable, Sendable {
        /// Before anything is said that matters; without it nothing is.
        case required
        /// Never.
        case off
    }

    /// The most recipients.
    public static let mostRecipients = 16
    /// The longest address in bytes: SMTP's longest path without its brackets.
    public static let longestAddress = 254
    /// The longest part of it before the @, in bytes.
    public static let longestLocalPart = 64
    /// The longest name of a user in bytes.
    public static let longestUser = 256

    /// Mail without a login.
    public init(server: String, from: String, to: [String]) {
        self.server = server
        self.from = from
        self.to = to
    }

    /// Whether the first byte is encrypted already.
    public var isSMTPS: Bool { server.lowercased().hasPrefix("smtps://") }

    /// Whether what matters is encrypted.
    public var isEncrypted: Bool { isSMTPS || starttls == .required }
}

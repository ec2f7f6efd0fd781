/// What a service has said of itself over sd_notify(3).
public struct Notice: Equatable, Sendable {
    /// READY=1 came.
    public var isReady: Bool
    /// When WATCHDOG=1 came last, or the process began: nanoseconds since boot.
    public var alive: Int64
    /// STATUS=…, for people.
    public var status: String?

    /// The longest status that is kept, in bytes.
    public static let longestStatus = 256

    /// Nothing has been said; or what an earlier daemon heard is taken as said.
    public init(isReady: Bool = false, alive: Int64 = 0) {
        self.isReady = isReady
        self.alive = alive
    }

    /// Takes a message in: lines of `NAME=value`. What is unknown is passed over, as sd_notify(3)
    /// demands; so is what is no text.
    public mutating func take(_ message: [UInt8], at now: Int64) {
        for line in message.split(separator: UInt8(ascii: "\n")) {
            if line.elementsEqual("READY=1".utf8) {
                isReady = true
                alive = now
            } else if line.elementsEqual("WATCHDOG=1".utf8) {
                alive = now
            } else if line.elementsEqual("WATCHDOG=trigger".utf8) {
                alive = .min
            } else if line.starts(with: "STATUS=".utf8) {
                let bytes = line.dropFirst("STATUS=".utf8.count).prefix(Self.longestStatus)
                // Terminals obey control characters.
                status = String(
                    decoding: bytes.map { $0 < 32 || $0 == 127 ? 32 : $0 }, as: UTF8.self)
            }
        }
    }

    /// Why it is not well; `nil` when it is. `watchdog`: how often it must say so, in nanoseconds.
    public func complaint(watchdog: Int64?, at now: Int64) -> String? {
        guard isReady else { return "has not said READY=1" }
        guard let watchdog else { return nil }
        if alive == .min { return "has said WATCHDOG=trigger" }
        if now - alive <= watchdog { return nil }
        return "has not said WATCHDOG=1 for \((now - alive) / 1_000_000) ms"
    }
}

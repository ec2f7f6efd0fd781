import CCurl
import Linux
import Supervision

/// Somebody who is asked again and again: one libcurl handle, and what arrives in its transfers.
class Exchange {
    /// A transfer without an answer for so long has failed.
    let timeout: Interval
    /// The transfer that is under way.
    var serial: Int?
    /// What has arrived in it.
    var reception = Reception()
    /// Set up where libcurl is needed.
    private(set) var easy: Easy?
    private unowned let transfers: Transfers

    init(timeout: Interval, _ transfers: Transfers) {
        self.timeout = timeout
        self.transfers = transfers
    }

    /// Has the handle's callbacks come here.
    func connect(_ easy: Easy) {
        self.easy = easy
        let context = Unmanaged.passUnretained(self).toOpaque()
        easy.set(CURLOPT_PRIVATE, context)
        easy.set(CURLOPT_WRITEDATA, context)
        easy.set(CURLOPT_HEADERDATA, context)
        easy.set(CURLOPT_WRITEFUNCTION) { bytes, _, count, context in
            let received = UnsafeRawBufferPointer(start: bytes, count: count)
            return Exchange.at(context).reception.takeBody(received) ? count : 0
        }
        easy.set(CURLOPT_HEADERFUNCTION) { bytes, _, count, context in
            let line = UnsafeRawBufferPointer(start: bytes, count: count)
            return Exchange.at(context).takeHeader(line) ? count : 0
        }
        if easy.looksUpNames {
            easy.beforeLookup(
                { _, _, context in Exchange.at(context).mayLookUp() ? 0 : 1 }, context)
        }
        transfers.equip(easy, for: context)
    }

    /// Whom libcurl's callbacks are about.
    static func at(_ context: UnsafeMutableRawPointer?) -> Self {
        Unmanaged.fromOpaque(context!).takeUnretainedValue()
    }

    /// A line of the answer's head, or of a mail server's replies. False: that was too much.
    func takeHeader(_ line: UnsafeRawBufferPointer) -> Bool {
        reception.takeHeader(bytes: line.count)
    }

    func openSocket(family: Int32, type: Int32, protocol number: Int32) -> Int32 {
        let descriptor = transfers.open(family: family, type: type, protocol: number)
        if descriptor < 0 {
            reception.shortage = SystemError(currentError(), "make a socket").description
        }
        return descriptor
    }

    private func mayLookUp() -> Bool {
        guard ProcessTable.ownThreads() > Self.mostLookups else { return true }
        reception.shortage = "\(Self.mostLookups) other names are being looked up already"
        return false
    }

    /// Names that are looked up at a time, a thread each. A dead name server keeps each for longer
    /// than its transfer waits.
    static let mostLookups = 128
}

/// Why nobody can be asked.
struct Obstacle: Error {
    let text: String

    init(_ text: String) { self.text = text }
}

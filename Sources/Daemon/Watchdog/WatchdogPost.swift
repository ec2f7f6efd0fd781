import Linux

/// One watchdog device that the configuration wants to be fed, there or not.
struct WatchdogPost {
    /// From one try to the next, as long as the device is busy: whoever holds it may be a regend that
    /// is just dying, or have just closed it. The first of the waits; each next one is twice as long.
    static let firstPause: Int64 = 50_000_000
    /// So many tries; then nothing is done before somebody closes the device.
    static let tries = 8

    /// The paths that it may have; the first one that is there.
    let paths: [String]
    var state = State.awaited
    /// When it is tried to open it next; `nil`: when something happens.
    var nextTry: Int64?
    private var triesLeft = tries
    /// People know that somebody else feeds it.
    var isBusyTold = false

    enum State {
        /// It is not there, or nobody has looked yet.
        case awaited
        /// Somebody else feeds it: who, where that is known.
        case busy(path: String, holder: String?)
        /// Something is there that cannot be used: why.
        case unusable(path: String, reason: String)
        /// It is fed.
        case armed(WatchdogDevice)
        /// It would be opened, but this is a test.
        case test
    }

    init(_ paths: [String], isTest: Bool, at now: Int64) {
        self.paths = paths
        if isTest { state = .test } else { nextTry = now }
    }

    var device: WatchdogDevice? {
        if case .armed(let device) = state { device } else { nil }
    }

    /// Whether something that happens may help.
    var isWaiting: Bool {
        switch state {
        case .awaited, .busy, .unusable: true
        case .armed, .test: false
        }
    }

    var isUnusable: Bool {
        if case .unusable = state { true } else { false }
    }

    /// Something has happened that may help.
    mutating func tryAnew(at instant: Int64) {
        guard isWaiting else { return }
        triesLeft = Self.tries
        nextTry = instant
    }

    /// It is busy. False: it was tried often enough.
    mutating func tryLater(at now: Int64) -> Bool {
        triesLeft -= 1
        guard triesLeft > 0 else {
            nextTry = nil
            return false
        }
        nextTry = now + Self.firstPause << (Self.tries - 1 - triesLeft)
        return true
    }
}

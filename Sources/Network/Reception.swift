/// What has arrived in one look.
struct Reception {
    /// The most of a body that is kept, to be searched.
    static let mostKept = 64 << 10
    /// The most of a body that is read.
    static let mostBody = 1 << 20
    /// The most header lines and their bytes, over all redirects.
    static let mostHeaders = 64 << 10

    /// Which bound it went over.
    enum Excess {
        case body, headers
    }

    /// The body's beginning, where it is asked for.
    private(set) var body: [UInt8] = []
    /// The bound that ended it.
    private(set) var excess: Excess?
    /// The head of the answer is complete: what follows is its body.
    private(set) var hasHead = false
    /// What this process or machine had run out of.
    var shortage: String?
    private var bodyBytes = 0
    private var headerBytes = 0
    private var keepsBody = false

    /// Begins anew.
    mutating func begin(keepingBody keepsBody: Bool) {
        self.keepsBody = keepsBody
        excess = nil
        hasHead = false
        shortage = nil
        bodyBytes = 0
        headerBytes = 0
    }

    /// Forgets the body. A thousand probes do not hold on to what a thousand bodies needed.
    mutating func end() {
        body.removeAll(keepingCapacity: body.capacity <= 1024)
    }

    /// Adds a part of the body. False: that was too much.
    mutating func takeBody(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bodyBytes += bytes.count
        guard bodyBytes <= Self.mostBody else {
            excess = .body
            return false
        }
        if keepsBody { body.append(contentsOf: bytes.prefix(Self.mostKept - body.count)) }
        return true
    }

    /// Counts a header line. False: that was too much.
    mutating func takeHeader(bytes: Int) -> Bool {
        headerBytes += bytes
        // An empty line ends it; another line begins the next one, after a redirect or a 100.
        hasHead = bytes <= 2
        guard headerBytes <= Self.mostHeaders else {
            excess = .headers
            return false
        }
        // The body of a redirect is not the answer's.
        body.removeAll(keepingCapacity: true)
        return true
    }

    /// Whether anything has arrived.
    var hasBegun: Bool { headerBytes > 0 }
}

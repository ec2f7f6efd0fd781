/// What a descriptor in the poller stands for, packed into the name that comes back with its events.
enum Source {
    case timer
    case signals
    case ledger
    case logWatch
    /// A service's main process, by its place in the mind's table.
    case instance(Int)
    /// A child that works for the daemon itself.
    case errand(Int)
    /// The socket of a worker, by its place in the table.
    case worker(Int)
    /// The machine stalls.
    case pressure(Int)
    /// Services say how they are.
    case notices
    /// switch-to-configuration, for a switch of ours.
    case activation
    /// Something moved where a change of generation shows.
    case systemWatch
    /// The connection to systemd.
    case bus
    /// A watchdog device has come, or somebody has let go of one.
    case watchdog
    /// A connection of the control server, by the server's own name for it.
    case control(UInt64)

    private static let shift: UInt64 = 56

    init(_ name: UInt64) {
        let payload = name & (1 << Self.shift - 1)
        switch name >> Self.shift {
        case 0: self = .timer
        case 1: self = .signals
        case 2: self = .ledger
        case 3: self = .logWatch
        case 4: self = .instance(Int(payload))
        case 5: self = .errand(Int(payload))
        case 7: self = .worker(Int(payload))
        case 8: self = .pressure(Int(payload))
        case 9: self = .notices
        case 10: self = .activation
        case 11: self = .systemWatch
        case 12: self = .bus
        case 13: self = .watchdog
        default: self = .control(payload)
        }
    }

    var name: UInt64 {
        switch self {
        case .timer: 0
        case .signals: 1 << Self.shift
        case .ledger: 2 << Self.shift
        case .logWatch: 3 << Self.shift
        case .instance(let index): 4 << Self.shift | UInt64(index)
        case .errand(let index): 5 << Self.shift | UInt64(index)
        case .control(let source): 6 << Self.shift | source
        case .worker(let index): 7 << Self.shift | UInt64(index)
        case .pressure(let index): 8 << Self.shift | UInt64(index)
        case .notices: 9 << Self.shift
        case .activation: 10 << Self.shift
        case .systemWatch: 11 << Self.shift
        case .bus: 12 << Self.shift
        case .watchdog: 13 << Self.shift
        }
    }
}

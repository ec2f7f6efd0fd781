private import CLinux
private import Glibc

/// What a descriptor is watched for, and what it is ready for.
public struct Readiness: OptionSet, Sendable {
    /// EPOLL* bits, as in epoll_ctl(2).
    public let rawValue: UInt32
    /// The bits themselves.
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    /// There is something to read, or the end of it.
    public static let readable = Readiness(rawValue: EPOLLIN.rawValue)
    /// Writing would not block.
    public static let writable = Readiness(rawValue: EPOLLOUT.rawValue)
    /// Something out of the ordinary, such as a pressure stall.
    public static let urgent = Readiness(rawValue: EPOLLPRI.rawValue)
    /// The other end is gone. Always watched for.
    public static let hungUp = Readiness(rawValue: EPOLLHUP.rawValue)
    /// An error waits to be read. Always watched for.
    public static let failed = Readiness(rawValue: EPOLLERR.rawValue)
}

/// epoll(7) with tokens that a stale event cannot forge.
///
/// A token is a slot and that slot's generation. An event for a descriptor that was removed earlier
/// in the same batch carries an old generation and is dropped, although the kernel may have given
/// the number to another file by now.
public struct Poller: ~Copyable {
    /// One registration.
    public struct Token: Equatable, Sendable {
        let slot: UInt32
        let generation: UInt32

        var bits: UInt64 { UInt64(generation) << 32 | UInt64(slot) }
    }

    /// One descriptor that is ready.
    public struct Event: Sendable {
        /// The name under which it was added.
        public let name: UInt64
        /// Its registration.
        public let token: Token
        /// What it is ready for.
        public let readiness: Readiness
    }

    /// Events taken from the kernel at once. A thousand deaths are a few batches, and what one
    /// batch decides is done before the next is looked at.
    public static let batch = 64

    private let epoll: OwnedFD
    private var names: [UInt64] = []
    private var generations: [UInt32] = []
    private var free: [UInt32] = []
    private let ready = UnsafeMutablePointer<epoll_event>.allocate(capacity: Poller.batch)

    /// The corresponding C function is `epoll_create1`.
    public init() throws(SystemError) {
        epoll = OwnedFD(
            adopting: try system("epoll_create1") { epoll_create1(Int32(EPOLL_CLOEXEC)) })
    }

    deinit { ready.deallocate() }

    /// Watches `descriptor`. `name` comes back with each of its events.
    /// The corresponding C function is `epoll_ctl` with EPOLL_CTL_ADD.
    public mutating func add(
        _ descriptor: Int32, for interest: Readiness, as name: UInt64
    ) throws(SystemError) -> Token {
        if free.isEmpty {
            free.append(UInt32(names.count))
            names.append(0)
            generations.append(0)
        }
        let slot = free[free.count - 1]
        let token = Token(slot: slot, generation: generations[Int(slot)])
        try control(EPOLL_CTL_ADD, descriptor, interest, token)
        free.removeLast()
        names[Int(slot)] = name
        return token
    }

    /// Watches for something else. The corresponding C function is `epoll_ctl` with EPOLL_CTL_MOD.
    public mutating func change(
        _ token: Token, _ descriptor: Int32, for interest: Readiness
    ) throws(SystemError) {
        try control(EPOLL_CTL_MOD, descriptor, interest, token)
    }

    /// Stops watching. Call it before closing the descriptor: a copy of it that a child holds
    /// would keep the registration alive. The corresponding C function is `epoll_ctl` with
    /// EPOLL_CTL_DEL.
    public mutating func remove(_ token: Token, _ descriptor: Int32) {
        guard isCurrent(token) else { return }
        _ = epoll_ctl(epoll.raw, EPOLL_CTL_DEL, descriptor, nil)
        generations[Int(token.slot)] &+= 1
        free.append(token.slot)
    }

    /// Waits, without a limit of time unless `milliseconds` is not negative, and says how many
    /// events there are. The corresponding C function is `epoll_wait`.
    public mutating func wait(milliseconds: Int32 = -1) throws(SystemError) -> Int {
        while true {
            let count = epoll_wait(epoll.raw, ready, Int32(Self.batch), milliseconds)
            if count >= 0 { return Int(count) }
            guard errno == EINTR else { throw SystemError(errno, "epoll_wait") }
        }
    }

    /// The event at `index` of the last `wait`, or `nil` when its registration has ended since.
    public func event(_ index: Int) -> Event? {
        let bits = ready[index].data.u64
        let token = Token(slot: UInt32(truncatingIfNeeded: bits), generation: UInt32(bits >> 32))
        guard isCurrent(token) else { return nil }
        return Event(
            name: names[Int(token.slot)], token: token,
            readiness: Readiness(rawValue: ready[index].events))
    }

    private func isCurrent(_ token: Token) -> Bool {
        generations[Int(token.slot)] == token.generation
    }

    private func control(
        _ operation: Int32, _ descriptor: Int32, _ interest: Readiness, _ token: Token
    ) throws(SystemError) {
        var event = epoll_event()
        event.events = interest.rawValue
        event.data.u64 = token.bits
        try system("epoll_ctl") { epoll_ctl(epoll.raw, operation, descriptor, &event) }
    }
}

import CCurl
import Linux

/// libcurl's multi_socket interface on the poller: any number of transfers in one thread.
final class Transfers {
    /// Connections that are kept for a next look, at most.
    static let mostIdleConnections = 1024

    var poller: Poller
    /// When libcurl wants to be called, on CLOCK_BOOTTIME in nanoseconds; `nil`: never.
    private var deadline: Int64?
    private let multi: UnsafeMutableRawPointer
    /// By descriptor.
    private var sockets: [Watch] = []

    /// What is known of one descriptor.
    private struct Watch {
        var token: Poller.Token?
        var interest: Readiness = []
        /// Made by `open`, so that `close` tells of its end.
        var isOurs = false
        /// libcurl does not want to know of it now. The kernel is told only when there is a reason:
        /// most connections are wanted again for the next look.
        var isIdle = false
    }

    /// Throws when there is no memory or descriptor to begin with.
    init() throws(SystemError) {
        poller = try Poller()
        guard regen_curl_global_init() == CURLE_OK, let multi = curl_multi_init() else {
            throw SystemError(SystemError.noMemory, "begin with libcurl")
        }
        self.multi = multi
        let context = Unmanaged.passUnretained(self).toOpaque()
        _ = regen_curl_multi_on_socket(
            multi,
            { _, descriptor, what, context, _ in
                Transfers.at(context).watch(descriptor, what)
                return 0
            }, context)
        _ = regen_curl_multi_on_timer(
            multi,
            { _, milliseconds, context in
                Transfers.at(context).wake(after: milliseconds)
                return 0
            }, context)
        _ = regen_curl_multi_set_number(multi, CURLMOPT_MAXCONNECTS, Self.mostIdleConnections)
    }

    /// Every easy handle must be gone by now.
    deinit { curl_multi_cleanup(multi) }

    private static func at(_ context: UnsafeMutableRawPointer?) -> Transfers {
        Unmanaged.fromOpaque(context!).takeUnretainedValue()
    }

    // MARK: Transfers

    /// Begins one. False when there is no memory for it.
    func begin(_ easy: Easy) -> Bool { curl_multi_add_handle(multi, easy.handle) == CURLM_OK }

    /// Ends one, finished or not, so that the handle may be used again.
    func end(_ easy: Easy) { curl_multi_remove_handle(multi, easy.handle) }

    /// The next transfer that has ended by itself: its handle, and how it went.
    func nextEnded() -> (handle: UnsafeMutableRawPointer, code: CURLcode)? {
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left) {
            if message.pointee.msg == CURLMSG_DONE, let handle = message.pointee.easy_handle {
                return (handle, regen_curl_result(message))
            }
        }
        return nil
    }

    // MARK: Time

    /// How long the poller may wait, in milliseconds; -1: for ever.
    var patience: Int32 {
        guard let deadline else { return -1 }
        let left = deadline - Clock.boottime()
        return left <= 0 ? 0 : Int32(min((left + 999_999) / 1_000_000, 3_600_000))
    }

    /// How long libcurl has been waiting to be called, in nanoseconds.
    var lateness: Int64 { deadline.map { max(0, Clock.boottime() - $0) } ?? 0 }

    /// Lets libcurl do what is due.
    func act() {
        // Each turn may make the next thing due; a transfer has few such steps.
        while let due = deadline, due <= Clock.boottime() {
            deadline = nil
            perform(CURL_SOCKET_TIMEOUT, 0)
        }
    }

    private func wake(after milliseconds: Int) {
        deadline = milliseconds < 0 ? nil : Clock.boottime() + Int64(milliseconds) * 1_000_000
    }

    // MARK: Sockets

    /// Lets libcurl use a socket that is ready.
    func act(on event: Poller.Event) {
        let descriptor = Int32(event.name)
        if sockets[Int(descriptor)].isIdle {
            // The server has closed an idle connection, or talks out of turn. libcurl finds out
            // when it wants to use it; until then it must not keep the loop awake.
            return unwatch(descriptor)
        }
        var bits: Int32 = 0
        if event.readiness.contains(.readable) { bits |= CURL_CSELECT_IN }
        if event.readiness.contains(.writable) { bits |= CURL_CSELECT_OUT }
        if !event.readiness.isDisjoint(with: [.hungUp, .failed]) { bits |= CURL_CSELECT_ERR }
        perform(descriptor, bits)
    }

    private func perform(_ descriptor: Int32, _ bits: Int32) {
        var running: Int32 = 0
        curl_multi_socket_action(multi, descriptor, bits, &running)
    }

    private func watch(_ descriptor: Int32, _ what: Int32) {
        makeRoom(for: descriptor)
        let index = Int(descriptor)
        if what == CURL_POLL_REMOVE {
            if sockets[index].isOurs { sockets[index].isIdle = true } else { unwatch(descriptor) }
            return
        }
        var interest: Readiness = []
        if what & CURL_POLL_IN != 0 { interest.insert(.readable) }
        if what & CURL_POLL_OUT != 0 { interest.insert(.writable) }
        sockets[index].isIdle = false
        if let token = sockets[index].token {
            guard interest != sockets[index].interest else { return }
            try? poller.change(token, descriptor, for: interest)
        } else {
            // Without memory for it the look runs into its time-out.
            sockets[index].token = try? poller.add(
                descriptor, for: interest, as: UInt64(descriptor))
        }
        sockets[index].interest = interest
    }

    private func unwatch(_ descriptor: Int32) {
        if let token = sockets[Int(descriptor)].token { poller.remove(token, descriptor) }
        sockets[Int(descriptor)].token = nil
    }

    private func makeRoom(for descriptor: Int32) {
        while sockets.count <= Int(descriptor) { sockets.append(Watch()) }
    }

    /// Has the sockets of a handle made and closed here; `target` is told of a shortage.
    func equip(_ easy: Easy, for target: UnsafeMutableRawPointer) {
        _ = regen_curl_on_open_socket(
            easy.handle,
            { context, _, address in
                guard let address = address?.pointee else { return CURL_SOCKET_BAD }
                return Exchange.at(context).openSocket(
                    family: address.family, type: address.socktype, protocol: address.protocol)
            }, target)
        // A connection outlives the probe that made it.
        _ = regen_curl_on_close_socket(
            easy.handle,
            { context, descriptor in Transfers.at(context).close(descriptor) },
            Unmanaged.passUnretained(self).toOpaque())
    }

    /// A socket, or -1 and `currentError`.
    func open(family: Int32, type: Int32, protocol number: Int32) -> Int32 {
        let descriptor = ClientSocket.make(family: family, type: type, protocol: number)
        guard descriptor >= 0 else { return descriptor }
        makeRoom(for: descriptor)
        sockets[Int(descriptor)] = Watch(isOurs: true)
        return descriptor
    }

    private func close(_ descriptor: Int32) -> Int32 {
        unwatch(descriptor)
        sockets[Int(descriptor)] = Watch()
        return ClientSocket.abort(descriptor)
    }
}

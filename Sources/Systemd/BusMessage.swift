private import CSystemd

/// A message that came in. Reading goes on from where the last reading ended; `nil` and `false` mean
/// that the message is not made as expected.
struct BusMessage: ~Copyable {
    private let message: OpaquePointer

    /// Takes over a reference.
    init(adopting message: OpaquePointer) { self.message = message }

    deinit { sd_bus_message_unref(message) }

    // MARK: - The envelope

    enum Kind { case answer, refusal, signal, call }

    var kind: Kind {
        var type: UInt8 = 0
        sd_bus_message_get_type(message, &type)
        return switch Int(type) {
        case SD_BUS_MESSAGE_METHOD_RETURN: .answer
        case SD_BUS_MESSAGE_METHOD_ERROR: .refusal
        case SD_BUS_MESSAGE_SIGNAL: .signal
        default: .call
        }
    }

    /// The call that it answers.
    var cookie: UInt64? {
        var cookie: UInt64 = 0
        return sd_bus_message_get_reply_cookie(message, &cookie) >= 0 ? cookie : nil
    }

    /// Who has sent it: the bus vouches for it.
    var sender: String? { sd_bus_message_get_sender(message).map { String(cString: $0) } }
    var path: String? { sd_bus_message_get_path(message).map { String(cString: $0) } }

    func isSignal(_ interface: String, _ member: String) -> Bool {
        sd_bus_message_is_signal(message, interface, member) > 0
    }

    /// What a refusal says.
    var refusal: BusRefusal {
        guard let error = sd_bus_message_get_error(message) else {
            return BusRefusal(name: "", message: "")
        }
        return BusRefusal(
            name: error.pointee.name.map { String(cString: $0) } ?? "",
            message: error.pointee.message.map { String(cString: $0) } ?? "")
    }

    /// Says to who calls us that there is nothing to call.
    func decline() {
        let notSupported: Int32 = 95  // EOPNOTSUPP
        sd_bus_reply_method_errno(message, notSupported, nil)
    }

    // MARK: - Reading

    func string() -> String? { text("s") }
    func objectPath() -> String? { text("o") }

    private func text(_ type: Character) -> String? {
        var text: UnsafePointer<CChar>?
        guard sd_bus_message_read_basic(message, code(type), &text) > 0 else { return nil }
        return text.map { String(cString: $0) }
    }

    func uint32() -> UInt32? {
        var value: UInt32 = 0
        return sd_bus_message_read_basic(message, code("u"), &value) > 0 ? value : nil
    }

    func int32() -> Int32? {
        var value: Int32 = 0
        return sd_bus_message_read_basic(message, code("i"), &value) > 0 ? value : nil
    }

    func uint64() -> UInt64? {
        var value: UInt64 = 0
        return sd_bus_message_read_basic(message, code("t"), &value) > 0 ? value : nil
    }

    func boolean() -> Bool? {
        var value: Int32 = 0
        return sd_bus_message_read_basic(message, code("b"), &value) > 0 ? value != 0 : nil
    }

    func bytes() -> [UInt8]? {
        var start: UnsafeRawPointer?
        var count = 0
        guard sd_bus_message_read_array(message, code("y"), &start, &count) >= 0 else { return nil }
        return Array(UnsafeRawBufferPointer(start: start, count: count))
    }

    /// Reads the elements of an array; `body` reads one.
    func array(of contents: String, _ body: () -> Bool) -> Bool {
        guard sd_bus_message_enter_container(message, code("a"), contents) > 0 else { return false }
        while sd_bus_message_at_end(message, 0) == 0 { guard body() else { return false } }
        return sd_bus_message_exit_container(message) >= 0
    }

    /// Reads a structure, `r`, a pair of a dictionary, `e`, or a variant, `v`.
    func inside(_ type: Character, _ contents: String, _ body: () -> Bool) -> Bool {
        sd_bus_message_enter_container(message, code(type), contents) > 0 && body()
            && sd_bus_message_exit_container(message) >= 0
    }

    /// Reads what is in a variant if it has that type, and nothing otherwise.
    func variant<Value>(_ contents: String, _ body: () -> Value?) -> Value? {
        var value: Value?
        guard sd_bus_message_verify_type(message, code("v"), contents) > 0 else {
            _ = skip("v")
            return nil
        }
        return inside("v", contents) {
            value = body(); return true
        } ? value : nil
    }

    func skip(_ types: String) -> Bool { sd_bus_message_skip(message, types) >= 0 }
}

/// A call that goes out.
struct BusCallMessage: ~Copyable {
    fileprivate let message: OpaquePointer
    /// Something could not be appended: it must not be sent.
    private(set) var isBroken = false

    fileprivate init(adopting message: OpaquePointer) { self.message = message }

    deinit { sd_bus_message_unref(message) }

    mutating func append(_ text: String) {
        // A string with a NUL would arrive cut, and mean something else.
        guard !text.utf8.contains(0) else {
            isBroken = true
            return
        }
        text.withCString { note(sd_bus_message_append_basic(message, code("s"), $0)) }
    }

    mutating func append(_ flag: Bool) {
        var value: Int32 = flag ? 1 : 0
        note(sd_bus_message_append_basic(message, code("b"), &value))
    }

    /// An array of bytes, `ay`.
    mutating func append(bytes: [UInt8]) {
        bytes.withUnsafeBytes {
            note(sd_bus_message_append_array(message, code("y"), $0.baseAddress, $0.count))
        }
    }

    /// An array, `a`, a structure, `r`, or a variant, `v`.
    mutating func container(
        _ type: Character, _ contents: String, _ body: (inout BusCallMessage) -> Void
    ) {
        note(sd_bus_message_open_container(message, code(type), contents))
        body(&self)
        note(sd_bus_message_close_container(message))
    }

    private mutating func note(_ result: Int32) { if result < 0 { isBroken = true } }
}

/// A connection of sd-bus, which never waits: what is to be sent waits in sd-bus's own bounded queue
/// until the socket takes it.
///
/// It registers no callbacks: sd-bus hands each message out that it has no use for itself, so that
/// nothing of ours runs inside of sd-bus.
final class BusLink {
    private let bus: OpaquePointer
    /// The socket, until the link is gone.
    let descriptor: Int32

    /// Begins to connect. The other end's answer comes later.
    init(_ address: BusAddress) throws(BusFailure) {
        var new: OpaquePointer?
        try Self.check(sd_bus_new(&new), "sd_bus_new")
        guard let new else { throw BusFailure(reason: "sd_bus_new: nothing") }
        var descriptor: Int32 = -1
        do throws(BusFailure) {
            try Self.check(sd_bus_set_address(new, address.text), "sd_bus_set_address")
            try Self.check(
                sd_bus_set_bus_client(new, address.isBus ? 1 : 0), "sd_bus_set_bus_client")
            // Nobody has descriptors to give us.
            try Self.check(sd_bus_negotiate_fds(new, 0), "sd_bus_negotiate_fds")
            try Self.check(sd_bus_start(new), "connect to \(address.text)")
            descriptor = sd_bus_get_fd(new)
            try Self.check(descriptor, "sd_bus_get_fd")
        } catch {
            sd_bus_close_unref(new)
            throw error
        }
        bus = new
        self.descriptor = descriptor
    }

    deinit { sd_bus_close_unref(bus) }

    private static func check(_ result: Int32, _ what: String) throws(BusFailure) {
        if result < 0 { throw BusFailure(-result, what) }
    }

    /// What to poll for.
    var interest: UInt32 {
        // poll(2) and epoll(7) have the same bits for reading and writing.
        UInt32(max(sd_bus_get_events(bus), 0))
    }

    /// When `next` has something to do though nothing is ready.
    var deadline: MonotonicTime {
        var microseconds = UInt64.max
        return MonotonicTime(
            microseconds: sd_bus_get_timeout(bus, &microseconds) > 0 ? microseconds : .max)
    }

    enum Step: ~Copyable {
        case message(BusMessage)
        /// Something was done, and there may be more.
        case worked
        case idle
        case ended(BusFailure)
    }

    /// Does one step: at most one message.
    func next() -> Step {
        var message: OpaquePointer?
        let result = sd_bus_process(bus, &message)
        if let message { return .message(BusMessage(adopting: message)) }
        if result < 0 { return .ended(BusFailure(-result, "the connection")) }
        guard sd_bus_is_open(bus) > 0 else {
            return .ended(BusFailure(reason: "the other end has closed the connection"))
        }
        return result > 0 ? .worked : .idle
    }

    /// Sends a call and says which answer will be its. Every object of a bus's peer may be called,
    /// none is started for it.
    func call(
        _ destination: String?, _ path: String, _ interface: String, _ member: String,
        _ arguments: (inout BusCallMessage) -> Void = { _ in }
    ) -> UInt64? {
        var new: OpaquePointer?
        guard sd_bus_message_new_method_call(bus, &new, destination, path, interface, member) >= 0,
            let new
        else { return nil }
        var message = BusCallMessage(adopting: new)
        arguments(&message)
        var cookie: UInt64 = 0
        guard !message.isBroken, sd_bus_message_set_auto_start(new, 0) >= 0,
            sd_bus_send(bus, new, &cookie) >= 0
        else { return nil }
        return cookie
    }
}

private func code(_ type: Character) -> CChar { CChar(bitPattern: type.asciiValue ?? 0) }

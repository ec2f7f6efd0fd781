import Foundation
import Glibc
import Linux
import Systemd
import Testing

@Suite("the journal's native protocol") struct JournalEntryTests {
    private func entry(_ value: String) -> [UInt8] {
        var entry = JournalEntry()
        entry.append("MESSAGE", value)
        return entry.bytes
    }

    @Test("a value without a line's end is a line", arguments: ["", "a=b", "a\0b", "Grüße"])
    func simple(_ value: String) {
        #expect(entry(value) == Array("MESSAGE=\(value)\n".utf8))
    }

    @Test("a value with one has its length in front, so that it cannot pass for another field")
    func binary() {
        let value = "x\nMESSAGE_ID=00000000000000000000000000000000\n"
        let length: [UInt8] = [UInt8(value.utf8.count), 0, 0, 0, 0, 0, 0, 0]
        #expect(entry(value) == Array("MESSAGE\n".utf8) + length + Array(value.utf8) + [10])
    }

    @Test("a value that is too long is cut, and never within a character", arguments: 0...3)
    func long(_ shift: Int) {
        let value = String(repeating: "x", count: shift) + String(repeating: "€", count: 4000)
        let bytes = entry(value).dropFirst("MESSAGE=".utf8.count).dropLast()
        #expect(bytes.count <= JournalEntry.longestValue)
        #expect(bytes.count > JournalEntry.longestValue - 3)
        #expect(String(validating: bytes, as: UTF8.self) != nil)
    }

    @Test("standard error is the journal's only if it is the very file that was named")
    func stream() throws {
        let file = try #require(StandardStream.error.file)
        #expect(Journal.takesStandardError("\(file.device):\(file.inode)"))
        for other in ["\(file.device):\(file.inode)1", "\(file.inode):\(file.device)x", "", "x"] {
            #expect(!Journal.takesStandardError(other))
        }
        #expect(!Journal.takesStandardError(nil))
    }

    @Test("a journal that takes nothing is full, and one that is not there is said to be missing")
    func silent() throws {
        let receiver = try Receiver()
        let journal = try Journal(at: receiver.path)
        var entry = JournalEntry()
        entry.append("MESSAGE", "x")
        var sent = 0
        while journal.send(entry) == .sent { sent += 1 }
        #expect(sent > 0)
        #expect(journal.send(entry) == .full)
        #expect(receiver.next() == "MESSAGE=x\n")
        unlink(receiver.path)
        guard case .failed(let error) = journal.send(entry) else {
            Issue.record("it was sent to nobody")
            return
        }
        #expect(error.code == ENOENT)
    }
}

@Suite("what the service manager is told") struct ServiceManagerTests {
    private let second: Int64 = 1_000_000_000

    private func manager(
        _ socket: String, watchdog: String? = nil, watchdogPID: String? = nil
    ) throws -> ServiceManager {
        try #require(
            try ServiceManager(
                .init(socket: socket, watchdog: watchdog, watchdogPID: watchdogPID), process: 42,
                now: 0))
    }

    @Test("without a socket there is nobody")
    func absent() throws {
        #expect(try ServiceManager(.init(socket: nil), process: 1, now: 0) == nil)
        #expect(try ServiceManager(.init(socket: ""), process: 1, now: 0) == nil)
        #expect(throws: SystemError.self) {
            _ = try ServiceManager(.init(socket: "vsock:2:1"), process: 1, now: 0)
        }
    }

    @Test(
        "what there is to tell goes in one datagram, and then nothing is due",
        arguments: [false, true])
    func told(_ isAbstract: Bool) throws {
        let receiver = try Receiver(isAbstract: isAbstract)
        let manager = try manager(receiver.path)
        #expect(manager.due == nil)
        manager.ready()
        manager.say("2 services\nREADY=0")
        #expect(manager.due != nil)
        manager.turn(at: 5)
        #expect(receiver.next() == "READY=1\nSTATUS=2 services READY=0")
        #expect(manager.due == nil)
        manager.say("2 services\nREADY=0")
        manager.turn(at: 6)
        manager.reloading(monotonic: 7_000_999)
        manager.turn(at: 7)
        #expect(receiver.next() == "RELOADING=1\nMONOTONIC_USEC=7000")
        manager.stopping()
        manager.ready()
        manager.turn(at: 8)
        #expect(receiver.next() == "STOPPING=1")
        #expect(receiver.next() == nil)
    }

    @Test("a sign of life at half of the period, from a turn and from nothing else")
    func alive() throws {
        let receiver = try Receiver()
        let manager = try manager(receiver.path, watchdog: "2000000", watchdogPID: "42")
        #expect(manager.due == second)
        manager.turn(at: second - 1)
        #expect(receiver.next() == nil)
        // A turn that comes late gives one sign, not those that were missed.
        manager.turn(at: 5 * second)
        #expect(receiver.next() == "WATCHDOG=1")
        #expect(receiver.next() == nil)
        #expect(manager.due == 6 * second)
    }

    @Test(
        "signs of life are for whom they are wanted from, and of a period that can be",
        arguments: [
            ("2000000", "43"), ("0", "42"), ("-1", "42"), ("x", "42"),
            ("9223372036854775807", "42"),
        ])
    func notForUs(_ watchdog: String, _ pid: String) throws {
        let manager = try manager("/nowhere", watchdog: watchdog, watchdogPID: pid)
        #expect(manager.interval == nil)
        #expect(manager.due == nil)
    }

    @Test("a manager that takes nothing is waited for by nobody: the newest state is told later")
    func full() throws {
        let receiver = try Receiver()
        let manager = try manager(receiver.path)
        var turns: Int64 = 0
        repeat {
            turns += 1
            manager.say("\(turns)")
            manager.turn(at: turns)
        } while manager.due == nil
        #expect(manager.due == turns + ServiceManager.retryPause)
        manager.ready()
        manager.say("newest")
        manager.turn(at: turns + 1)
        while let message = receiver.next() { #expect(message != "READY=1\nSTATUS=newest") }
        manager.turn(at: turns + 2)
        #expect(receiver.next() == "READY=1\nSTATUS=newest")
        #expect(manager.due == nil)
        #expect(manager.takeFailure() == nil)
    }

    @Test("one that is gone is left alone for longer and longer, which is said once")
    func gone() throws {
        let manager = try manager("/nowhere/at/all")
        manager.ready()
        manager.turn(at: 0)
        #expect(manager.takeFailure()?.code == ENOENT)
        #expect(manager.due == second)
        manager.turn(at: 1)
        #expect(manager.due == second)
        manager.turn(at: second)
        #expect(manager.due == 3 * second)
        #expect(manager.takeFailure() == nil)
    }
}

/// Somebody who is sent datagrams, and takes them when he is asked.
private final class Receiver {
    let path: String
    private let socket: Int32

    init(isAbstract: Bool = false) throws {
        path = "\(isAbstract ? "@" : "/tmp/")regen-receiver-\(UUID().uuidString)"
        socket = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        if isAbstract { address.sun_path.0 = 0 }
        let length = 2 + path.utf8.count + (isAbstract ? 0 : 1)
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, socklen_t(length))
            }
        }
        try #require(bound == 0)
    }

    deinit {
        close(socket)
        unlink(path)
    }

    /// The next one; `nil`: none waits.
    func next() -> String? {
        var buffer = [UInt8](repeating: 0, count: 8192)
        let count = recv(socket, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        return count < 0 ? nil : String(decoding: buffer[..<count], as: UTF8.self)
    }
}

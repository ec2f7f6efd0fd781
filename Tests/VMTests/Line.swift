import Foundation
import Glibc
import Testing

/// One of QEMU's sockets, which speaks in lines.
final class Line {
    private let descriptor: Int32
    private var rest: [UInt8] = []

    /// Connects, once somebody listens there.
    init(to path: String, patience: Double) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        try #require(descriptor >= 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        try #require(path.utf8.count < MemoryLayout.size(ofValue: address.sun_path))
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let deadline = Date().addingTimeInterval(patience)
        while true {
            let status = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            if status == 0 { return }
            try #require(Date() < deadline, "nobody listens at \(path)")
            usleep(20_000)
        }
    }

    deinit { close(descriptor) }

    /// Says it, whole; throws when nobody is there any more.
    func say(_ text: String) throws {
        var bytes = Array("\(text)\n".utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes {
                send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            try #require(count > 0, "the machine has gone")
            bytes = bytes.dropFirst(count)
        }
    }

    /// The next line; `nil` when none comes in time, or nobody is there any more.
    func next(before deadline: Date) -> String? {
        var searched = 0
        while true {
            if let end = rest[searched...].firstIndex(of: 10) {
                defer { rest.removeFirst(end + 1) }
                return String(decoding: rest[..<end], as: UTF8.self)
            }
            searched = rest.count
            var wait = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let left = max(0, deadline.timeIntervalSinceNow)
            guard poll(&wait, 1, Int32(left * 1000)) == 1 else { return nil }
            var chunk = [UInt8](repeating: 0, count: 1 << 16)
            let count = read(descriptor, &chunk, chunk.count)
            guard count > 0 else { return nil }
            rest += chunk[..<count]
        }
    }
}

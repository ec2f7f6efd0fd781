import Foundation
import Glibc
import Testing

/// An ext4 file system that can be made to fail: it turns read-only under whoever has it open, as
/// one does that has found itself damaged.
final class FailingDisk {
    /// Whether this machine can make one.
    static let isPossible: Bool = {
        guard geteuid() == 0, let disk = try? FailingDisk(probe, image: "\(probe).image") else {
            rmdir(probe)
            return false
        }
        disk.unmount()
        defer {
            unlink("\(probe).image")
            rmdir(probe)
        }
        return true
    }()

    private static let probe = "/tmp/regen-test-disk-\(getpid())"

    private let path: String

    struct Unavailable: Error {}

    init(_ path: String, image: String) throws {
        self.path = path
        mkdir(path, 0o755)
        _ = FileManager.default.createFile(atPath: image, contents: nil)
        truncate(image, 8 << 20)
        try Self.run("mkfs.ext4", "-q", "-F", image)
        try Self.run("mount", "-o", "loop", image, path)
    }

    /// It turns read-only, whoever writes.
    func fail() throws { try Self.run("mount", "-o", "remount,abort", path) }

    /// Whoever writes waits from now on, as for a disk that does not answer.
    func freeze() throws { try Self.run("fsfreeze", "-f", path) }

    /// What has waited is written.
    func thaw() throws { try Self.run("fsfreeze", "-u", path) }

    /// Whatever is written from now on, and what waits, fails with EIO.
    func die() throws {
        let descriptor = open(path, O_RDONLY)
        defer { close(descriptor) }
        var atOnce: UInt32 = 2  // EXT4_GOING_FLAGS_NOLOGFLUSH
        let shutDown: UInt = 0x8004_587D  // EXT4_IOC_SHUTDOWN
        guard ioctl(descriptor, shutDown, &atOnce) == 0 else { throw Unavailable() }
    }

    private static func run(_ words: String...) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"] + words
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Unavailable() }
    }

    func unmount() { umount2(path, Int32(MNT_DETACH)) }
}

import Foundation
import Glibc
import Linux
import Testing

/// What is no watchdog is told, and nothing is waited for. What is one is tested in the VM.
@Suite("a path that is to be a watchdog") struct WatchdogDeviceTests {
    private func obstacle(_ path: String) -> WatchdogDevice.Obstacle? {
        do throws(WatchdogDevice.Obstacle) {
            _ = try WatchdogDevice(opening: path)
            return nil
        } catch { return error }
    }

    private func path() -> String {
        "/tmp/regen-dog-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    }

    @Test("may not be there yet") func absent() {
        #expect(obstacle("/dev/watchdog-of-nobody") == .absent)
        #expect(obstacle("/no/such/folder/watchdog") == .absent)
    }

    @Test("is no file and no directory") func file() throws {
        let path = path()
        defer { unlink(path) }
        _ = FileManager.default.createFile(atPath: path, contents: Data("V".utf8))
        #expect(obstacle(path) == .noWatchdog("it is a regular file"))
        #expect(try Data(contentsOf: URL(filePath: path)) == Data("V".utf8))
        #expect(obstacle("/tmp") == .noWatchdog("it is a directory"))
    }

    @Test("is no pipe, for whose reader nobody waits") func pipe() {
        let path = path()
        defer { unlink(path) }
        #expect(mkfifo(path, 0o600) == 0)
        #expect(obstacle(path) == .noWatchdog("it is no character device"))
    }

    @Test("is no other device") func device() {
        let told = WatchdogDevice.Obstacle.noWatchdog(
            "it is a device, but no watchdog (Inappropriate ioctl for device)")
        #expect(obstacle("/dev/null") == told)
    }

    @Test("leads on to a device by a link") func link() {
        let path = path()
        defer { unlink(path) }
        #expect(symlink("/dev/null", path) == 0)
        guard case .noWatchdog(let what) = obstacle(path) else {
            Issue.record("it was a watchdog")
            return
        }
        #expect(what.contains("but no watchdog"))
        unlink(path)
        #expect(symlink("/no/such/device", path) == 0)
        #expect(obstacle(path) == .absent)
    }
}

import Foundation
import Glibc
import Linux
import Testing

let isRoot = geteuid() == 0
let hasNix = access("/usr/bin/nix-env", X_OK) == 0
let hasShellcheck = access("/usr/bin/shellcheck", X_OK) == 0

/// A lock of Nix's that the test holds.
final class RootLock {
    private let path: String
    private let descriptor: Int32
    private var watcher: Int32 = -1

    init?(_ path: String) {
        self.path = path
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0, flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { return nil }
    }

    /// From now on it is noticed when somebody opens the file.
    func watch() throws {
        watcher = inotify_init1(Int32(IN_CLOEXEC))
        try #require(inotify_add_watch(watcher, path, UInt32(IN_OPEN)) >= 0)
    }

    /// Waits until somebody has opened it.
    func waitUntilOpened() throws {
        var ready = pollfd(fd: watcher, events: Int16(POLLIN), revents: 0)
        try #require(poll(&ready, 1, 20_000) == 1)
    }

    /// The name goes, whoever waits is told by a byte, and the lock ends.
    func releaseAsNix() {
        unlink(path)
        Glibc.write(descriptor, "d", 1)
        flock(descriptor, LOCK_UN)
    }

    deinit {
        close(descriptor)
        if watcher >= 0 { close(watcher) }
    }
}

/// A small file system of its own in the place of a directory.
struct Disk {
    private let path: String

    init(at path: String, options: String) throws {
        try #require(mount("none", path, "tmpfs", 0, options) == 0, "mount: \(errno)")
        self.path = path
    }

    func remountReadOnly() throws {
        let flags = UInt(MS_REMOUNT | MS_RDONLY)
        try #require(mount("none", path, "tmpfs", flags, nil) == 0)
    }

    func unmount() { umount2(path, Int32(MNT_DETACH)) }
}

/// Deeds in a process that can be killed.
final class DeedProcess {
    static let program =
        URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        .deletingLastPathComponent().path + "/deed"

    private let process = Process()
    private let output = Pipe()

    init(_ arguments: [String]) throws {
        process.executableURL = URL(filePath: Self.program)
        process.arguments = arguments
        process.standardOutput = output
        try process.run()
    }

    func waitForOutput() throws {
        let some = try output.fileHandleForReading.read(upToCount: 1)
        try #require(some?.isEmpty == false)
    }

    func kill() {
        Glibc.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }
}

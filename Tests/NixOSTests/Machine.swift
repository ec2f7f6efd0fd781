import Foundation
import Glibc
import NixOS
import SafeSwitch
import Testing

/// A directory that plays a NixOS machine's root, gone with its last reference.
final class Machine {
    let root: String

    init() throws {
        var template = Array("/tmp/regen-machine-XXXXXX".utf8CString)
        root = String(cString: try #require(mkdtemp(&template)))
        try directory(Machine.profiles)
        try directory("/run/nixos")
        try directory("/nix/store")
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    static let profiles = "/nix/var/nix/profiles"
    static let unit = "[Service]\nExecStart=/nix/store/web1-web/bin/web --port 80\n"

    func surveyor() throws -> Surveyor { try Surveyor(root: SystemRoot(root)) }

    func landscape() throws -> Landscape { try surveyor().landscape() }

    func directory(_ path: String) throws {
        try FileManager.default.createDirectory(
            atPath: root + path, withIntermediateDirectories: true)
    }

    func write(_ path: String, _ text: String = "", mode: mode_t = 0o644) throws {
        try write(path, Array(text.utf8), mode: mode)
    }

    func write(_ path: String, _ bytes: [UInt8], mode: mode_t = 0o644) throws {
        try directory((path as NSString).deletingLastPathComponent)
        try Data(bytes).write(to: URL(fileURLWithPath: root + path))
        try #require(chmod(root + path, mode) == 0)
    }

    func link(_ path: String, _ target: String) throws {
        try directory((path as NSString).deletingLastPathComponent)
        unlink(root + path)
        try #require(symlink(target, root + path) == 0)
    }

    func remove(_ path: String) throws { try FileManager.default.removeItem(atPath: root + path) }

    /// A system that lacks nothing. `web`: the store name of the one program that it brings.
    @discardableResult
    func system(_ name: String, kernel: String = "6.12.1", web: String = "web1-web") throws
        -> String
    {
        let path = "/nix/store/\(name)"
        try write("\(path)/nixos-version", "26.05.\(name)")
        for program in ["bin/switch-to-configuration", "init", "activate"] {
            try write("\(path)/\(program)", "#!/bin/sh\n", mode: 0o755)
        }
        try write("/nix/store/k\(kernel)-linux/bzImage")
        try write("/nix/store/k\(kernel)-initrd/initrd")
        try directory("/nix/store/k\(kernel)-modules/lib/modules/\(kernel)")
        try directory("/nix/store/s1-systemd")
        try link("\(path)/kernel", "/nix/store/k\(kernel)-linux/bzImage")
        try link("\(path)/initrd", "/nix/store/k\(kernel)-initrd/initrd")
        try link("\(path)/kernel-modules", "/nix/store/k\(kernel)-modules")
        try link("\(path)/systemd", "/nix/store/s1-systemd")
        try write("\(path)/init-interface-version", "systemd 2")
        try write("/nix/store/\(web)/bin/web", "#!/bin/sh\n# \(web)\n", mode: 0o755)
        try link("\(path)/sw/bin/web", "/nix/store/\(web)/bin/web")
        try write("/nix/store/\(name)-etc/etc/hostname", name)
        try link("\(path)/etc", "/nix/store/\(name)-etc/etc")
        try link("/nix/store/\(name)-etc/etc/systemd/system", "/nix/store/\(name)-units")
        try write("/nix/store/\(name)-units/web.service", Machine.unit)
        return path
    }

    func generation(_ number: Int, _ target: String, date: Int = 0) throws {
        let path = "\(Machine.profiles)/system-\(number)-link"
        try link(path, target)
        var times = [timespec(tv_sec: date, tv_nsec: 0), timespec(tv_sec: date, tv_nsec: 999)]
        try #require(utimensat(AT_FDCWD, root + path, &times, AT_SYMLINK_NOFOLLOW) == 0)
    }

    func makeDefault(_ number: Int) throws {
        try link("\(Machine.profiles)/system", "system-\(number)-link")
    }

    func makeCurrent(_ path: String) throws { try link("/run/current-system", path) }
}

import Foundation

/// What containers are booted from; `make-rootfs` makes it.
enum Debian: String, CaseIterable {
    /// systemd 252, the oldest that we are for.
    case bookworm
    /// systemd 257.
    case trixie

    /// Its root directory.
    var rootfs: String {
        let prefix = ProcessInfo.processInfo.environment["REGEN_ROOTFS"]
        return "\(prefix ?? "/var/tmp/regen-rootfs")-\(self)"
    }
}

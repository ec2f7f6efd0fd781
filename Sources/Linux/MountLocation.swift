private import CLinux
private import Glibc

/// A place within a file system: the same for every mount, and every bind mount, of it.
public struct MountLocation: Equatable, Sendable {
    /// The file system, `8:1`.
    public var device: String
    /// The path from the file system's own root.
    public var path: String

    /// The place of what a path leads to. The corresponding C function is `open` with O_PATH.
    public init?(of path: String) {
        let raw = regen_open(path, REGEN_O_PATH | O_CLOEXEC, 0)
        guard raw >= 0 else { return nil }
        let file = OwnedFD(adopting: raw)
        self.init(ofDescriptor: file.raw)
    }

    /// From /proc/self/fdinfo and /proc/self/mountinfo (proc_pid_mountinfo(5)).
    init?(ofDescriptor raw: Int32) {
        guard let place = Directory.linkTarget("/proc/self/fd/\(raw)"),
            let info = ProcessTable.text("/proc/self/fdinfo/\(raw)"),
            let mount = info.split(separator: "\n").first(where: { $0.hasPrefix("mnt_id:") })?
                .split(separator: "\t").last,
            let mounts = ProcessTable.text("/proc/self/mountinfo")
        else { return nil }
        for line in mounts.split(separator: "\n") {
            // 36 35 98:0 /mnt1 /mnt2 …: id, parent, device, root, mount point
            let fields = line.split(separator: " ", maxSplits: 5)
            guard fields.count == 6, fields[0] == mount else { continue }
            let root = Self.plain(fields[3])
            let point = Self.plain(fields[4])
            guard point == "/" || place == point || place.hasPrefix("\(point)/") else {
                return nil
            }
            let rest = point == "/" ? place : String(place.dropFirst(point.count))
            device = String(fields[2])
            path = (root == "/" ? "" : root) + rest
            return
        }
        return nil
    }

    /// Whether this is that place or below it.
    public func isWithin(_ other: MountLocation) -> Bool {
        device == other.device
            && (path == other.path || other.path.isEmpty || path.hasPrefix("\(other.path)/"))
    }

    /// Spaces and backslashes stand there in octal: `\040`.
    private static func plain(_ field: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = field.utf8
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\"),
                let code = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8)
            {
                bytes.append(code)
                rest.removeFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

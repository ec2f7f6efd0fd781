private import Glibc

/// The path with all links resolved; ENOENT where it leads nowhere. The corresponding C function is
/// `realpath`.
public func resolvedPath(_ path: String) throws(SystemError) -> String {
    guard let resolved = realpath(path, nil) else { throw SystemError(errno, "look for \(path)") }
    defer { free(resolved) }
    return String(cString: resolved)
}

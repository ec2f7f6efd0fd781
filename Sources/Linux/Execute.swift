private import CLinux
private import Glibc

/// Replaces this process by a program with the same environment. Returns only by throwing.
///
/// The corresponding C function is `execve`.
public func execute(_ path: String, _ arguments: [String]) throws(SystemError) -> Never {
    var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
    defer { for pointer in pointers { free(pointer) } }
    pointers.append(nil)
    try system("execute \(path)") { execve(path, pointers, environ) }
    fatalError("execve returned without an error")
}

/// The path of the running program, links resolved. The corresponding C function is `readlink`.
public func executablePath() throws(SystemError) -> String {
    try withPathBuffer("read /proc/self/exe") { readlink("/proc/self/exe", $0, $1) }
}

/// The working directory. The corresponding C function is `getcwd`.
public func workingDirectory() throws(SystemError) -> String {
    try withPathBuffer("find the working directory") { buffer, size in
        getcwd(buffer, size).map { strlen($0) } ?? -1
    }
}

/// Whether the path leads to a file that this process may execute.
///
/// The corresponding C function is `access`.
public func isExecutable(_ path: String) -> Bool { access(path, X_OK) == 0 }

private func withPathBuffer(
    _ operation: String, _ body: (UnsafeMutablePointer<CChar>, Int) -> Int
) throws(SystemError) -> String {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = try system(operation) { body(&buffer, buffer.count) }
    return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// Ends this process. The corresponding C function is `exit`.
public func terminate(_ status: Int32) -> Never { exit(status) }

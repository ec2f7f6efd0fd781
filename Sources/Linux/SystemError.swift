private import CLinux
private import Glibc

/// What the kernel answered instead of a result.
public struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The error number, as in errno(3).
    public let code: Int32
    /// What was tried, in an operator's words: `open /var/lib/regen/ledger/lock`.
    public let operation: String

    /// An answer that is already known.
    public init(_ code: Int32, _ operation: String) {
        self.code = code
        self.operation = operation
    }

    /// The text of the number: `No space left on device`.
    public var reason: String { String(cString: strerror(code)) }

    /// `open /x: No such file or directory`
    public var description: String { "\(operation): \(reason)" }
}

/// Calls `body` until it is not interrupted by a signal, and throws what errno then says.
///
/// The one place where EINTR is retried. EBADF and EFAULT are our own mistakes and trap:
/// going on after them would act on a descriptor that somebody else owns by now.
@discardableResult
@inlinable
public func system<Result: SignedInteger>(
    _ operation: @autoclosure () -> String, _ body: () -> Result
) throws(SystemError) -> Result {
    while true {
        let result = body()
        if result >= 0 { return result }
        let code = currentError()
        if code == interrupted { continue }
        precondition(!isOurMistake(code), "a system call got a bad descriptor or address")
        throw SystemError(code, operation())
    }
}

/// The calling thread's errno.
public func currentError() -> Int32 { errno }

/// EINTR.
@usableFromInline let interrupted = EINTR

@usableFromInline func isOurMistake(_ code: Int32) -> Bool { code == EBADF || code == EFAULT }

extension SystemError {
    /// ENOENT: no such file or directory.
    public static let noEntry = ENOENT
    /// ENOSPC: the disk is full.
    public static let noSpace = ENOSPC
    /// EROFS: the file system is read-only.
    public static let readOnly = EROFS
    /// EACCES: the mode or the owner forbids it.
    public static let accessDenied = EACCES
    /// EPERM: the kernel allows it to nobody like us.
    public static let notPermitted = EPERM
    /// EIO: the device answered with an error.
    public static let inputOutput = EIO
    /// EEXIST: it is there already.
    public static let exists = EEXIST
    /// EDQUOT: the quota is used up.
    public static let quota = EDQUOT
}

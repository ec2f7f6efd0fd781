private import Glibc

/// A POSIX extended regular expression, for bytes of any kind.
public final class RegularExpression {
    private let compiled: UnsafeMutablePointer<regex_t>
    private let isCompiled: Bool

    /// What is wrong with an expression, in the C library's words.
    public struct Defect: Error, Equatable, Sendable {
        /// `Unmatched ( or \(`
        public let message: String
    }

    /// Compiles it. `^` and `$` are the ends of a line, and `.` does not match a newline, as with
    /// `grep -E`. The corresponding C function is `regcomp`.
    public init(_ pattern: String) throws(Defect) {
        compiled = .allocate(capacity: 1)
        let code = regcomp(compiled, pattern, REG_EXTENDED | REG_NEWLINE | REG_NOSUB)
        isCompiled = code == 0
        guard !isCompiled else { return }
        var text = [CChar](repeating: 0, count: 128)
        regerror(code, compiled, &text, text.count)
        throw Defect(
            message: String(
                decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
    }

    deinit {
        if isCompiled { regfree(compiled) }
        compiled.deallocate()
    }

    /// Whether some part of the bytes matches; NUL is a byte like others.
    ///
    /// The corresponding C function is `regexec` with REG_STARTEND.
    public func matches(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var range = regmatch_t(rm_so: 0, rm_eo: regoff_t(bytes.count))
        let empty: StaticString = ""
        let start = bytes.baseAddress ?? UnsafeRawPointer(empty.utf8Start)
        let text = start.assumingMemoryBound(to: CChar.self)
        return regexec(compiled, text, 1, &range, Int32(1 << 2)) == 0
    }
}

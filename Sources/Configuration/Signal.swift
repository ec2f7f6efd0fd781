/// Names and numbers of signals as Linux has them on x86, ARM and RISC-V.
enum Signal {
    /// The names of 1 to 31.
    private static let names = [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
        "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
        "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
    ]
    /// Those that stop or continue a process and can never end it.
    private static let unsuitable: ClosedRange<Int32> = 17...22
    /// SIGRTMIN and SIGRTMAX of glibc.
    private static let realTime: ClosedRange<Int32> = 34...64

    /// A signal that can ask a process to end, by name or number.
    static func parse(_ tree: Tree) throws(Complaint) -> Int32 {
        let text = try text(tree)
        guard let number = number(text) else {
            throw Complaint("\(quoted(text)) is not a signal", "write a name such as SIGTERM")
        }
        guard !unsuitable.contains(number) else {
            throw Complaint("\(name(number)) cannot end a process", "write one such as SIGTERM")
        }
        return number
    }

    private static func number(_ text: String) -> Int32? {
        if let number: Int32 = decimal(text) {
            return (1...31).contains(number) || realTime.contains(number) ? number : nil
        }
        let short = text.hasPrefix("SIG") ? text.dropFirst(3) : text[...]
        if let index = names.firstIndex(where: { $0 == short }) { return Int32(index + 1) }
        guard short.hasPrefix("RTMIN+"), let offset: Int32 = decimal(short.dropFirst(6)),
            (0...30).contains(offset)
        else { return nil }
        return realTime.lowerBound + offset
    }

    /// `SIGTERM`, `SIGRTMIN+3`
    static func name(_ number: Int32) -> String {
        number < realTime.lowerBound
            ? "SIG" + names[Int(number) - 1] : "SIGRTMIN+\(number - realTime.lowerBound)"
    }
}

import Linux
import SafeSwitch

/// What `regend --system` is: a process that does one order and ends. The daemon itself never waits for
/// a disk, a lock or a command.
public enum SystemChild {
    /// Reads one `SystemOrder` from standard input, does it, and writes one `SystemReport` to standard
    /// output. Returns the exit status: 0, or 1 where there is no report; standard error tells why.
    /// Blocks as long as the disk, Nix's lock or a command does.
    public static func run(root: SystemRoot) -> Int32 {
        do throws(SystemError) {
            guard let line = try StandardInput.line(most: SystemOrder.longestLine),
                let order = SystemOrder(line: line)
            else { return fail("standard input has no order; only regend starts me") }
            guard let report = try answer(order, root) else { return fail("too much to report") }
            try StandardStream.output.write(report[...])
            return 0
        } catch { return fail("\(error)") }
    }

    private static func answer(
        _ order: SystemOrder, _ root: SystemRoot
    ) throws(SystemError) -> [UInt8]? {
        switch order {
        case .survey(let question, let also):
            let surveyor = try Surveyor(root: root)
            return SystemReport.line(
                try surveyor.landscape(also: also), question.map { surveyor.compare($0) })
        case .deed(let deed): return SystemReport.outcome(Deeds(root: root).perform(deed)).line
        }
    }

    private static func fail(_ text: String) -> Int32 {
        try? StandardStream.error.write("regend --system: \(text)\n")
        return 1
    }
}

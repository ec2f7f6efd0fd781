import Linux
import SafeSwitch

/// What `regend --system` is: a process that does one order and ends. The daemon never waits for a
/// disk or a lock itself.
public enum SystemChild {
    /// Reads one `SystemOrder` from standard input, does it, and writes one `SystemReport` to standard
    /// output. Returns the exit status: 0, or 1 where it could not be read or answered; standard error
    /// tells why. Blocks as long as the disk, Nix's lock or a command does.
    public static func run(root: SystemRoot) -> Int32 {
        guard let line = try? StandardInput.line(most: SystemOrder.longestLine),
            let order = SystemOrder(line: line)
        else { return fail("there is no order on standard input; only regend starts me") }
        guard let line = answer(order, root).line else { return fail("the report is too long") }
        do throws(SystemError) {
            try StandardStream.output.write(line[...])
            return 0
        } catch {
            return fail("\(error)")
        }
    }

    private static func answer(_ order: SystemOrder, _ root: SystemRoot) -> SystemReport {
        switch order {
        case .survey(let question):
            let surveyor = Surveyor(root: root)
            return .landscape(surveyor.landscape(), question.map { surveyor.compare($0) })
        case .deed:
            return .outcome(.failed("not built yet", isTransient: false))
        }
    }

    private static func fail(_ text: String) -> Int32 {
        try? StandardStream.error.write("regend --system: \(text)\n")
        return 1
    }
}

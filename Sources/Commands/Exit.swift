internal import ArgumentParser

/// How a command ends: the one place where outcomes become exit codes.
///
/// A command that returns normally ends with 0. To end otherwise it throws an `Exit`.
enum Exit: Error, Equatable {
    /// The question was understood and the answer is no: 1. The text, if any, goes to standard error.
    case no(String?)
    /// Wrong usage or configuration, or the tool could not do its work: 2. The text says what,
    /// where and what to do next; `nil` when everything has been said already.
    case wrong(String?)
    /// A code from a command's own list (`ledger verify`).
    case code(Int32)

    /// What the shell sees.
    var code: Int32 {
        switch self {
        case .no: 1
        case .wrong: 2
        case .code(let code): code
        }
    }

    /// What is left to say on standard error.
    var message: String? {
        switch self {
        case .no(let message), .wrong(let message): message
        case .code: nil
        }
    }
}

extension Exit {
    /// Wrong usage is 2 but for `ledger verify`, whose 2 says that somebody tampered.
    private static var wrongUsage: Exit {
        CommandLine.arguments.dropFirst().starts(with: ["ledger", "verify"])
            ? .no(nil) : .wrong(nil)
    }

    /// Tells `error` to the person and ends the process.
    ///
    /// ArgumentParser would end wrong usage with 64 (EX_USAGE); here it is 2 like every mistake of
    /// the caller. Its requests for help, the version and completion scripts are no errors: 0.
    static func leave(with error: any Error) -> Never {
        if let exit = error as? Exit {
            if let message = exit.message { Terminal.error.complain("regen: \(message)\n") }
            RegenCommand.exit(withError: ExitCode(exit.code))
        }
        if let code = error as? ExitCode { RegenCommand.exit(withError: code) }
        let asked = RegenCommand.exitCode(for: error) == .success
        let text = RegenCommand.fullMessage(for: error)
        let end = text.isEmpty || text.hasSuffix("\n") ? "" : "\n"
        guard asked else {
            Terminal.error.complain(text + end)
            RegenCommand.exit(withError: ExitCode(wrongUsage.code))
        }
        do { try Terminal.output.write(text + end) } catch { leave(with: error) }
        RegenCommand.exit(withError: nil)
    }
}

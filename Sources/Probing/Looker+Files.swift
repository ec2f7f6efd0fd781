import Configuration
import Linux
import Supervision
import Worker

extension Looker {
    /// Somebody takes a connection there.
    static func lookAtSocket(_ path: String, _ request: LookRequest) -> Finding {
        do throws(SystemError) {
            try LocalService.connect(to: path, nanoseconds: request.timeout.nanoseconds)
            return .passed
        } catch {
            return error.code == SystemError.tryAgain
                ? .failed("\(path): nobody accepted the connection in time")
                : .failed("\(error)")
        }
    }

    /// A file as it should be. Links are followed, as the service itself would: this runs with no
    /// more rights than the service has.
    static func lookAtFile(_ probe: FileProbe) -> Finding {
        let status: FileStatus
        do throws(SystemError) { status = try FileStatus(following: probe.path) } catch {
            return .failed("\(error)")
        }
        if let fresh = probe.fresh {
            let age = Clock.realtime() - status.modified
            if age > fresh.nanoseconds {
                return .failed(
                    "\(probe.path) was modified \(inSeconds(age)) ago,"
                        + " more than \(inSeconds(fresh.nanoseconds))")
            }
        }
        if let owner = probe.owner {
            guard let account = try? Account.named(owner, group: nil, groups: []) else {
                return .unknown("no user is called \(owner)")
            }
            if account.user != status.owner {
                return .failed("\(probe.path) belongs to user \(status.owner), not to \(owner)")
            }
        }
        if let mode = probe.mode, mode != status.mode {
            return .failed("\(probe.path) has mode \(octal(status.mode)), not \(octal(mode))")
        }
        return .passed
    }

    /// What moves while the service works.
    static func lookAtProgress(_ probe: ProgressProbe, _ request: LookRequest) -> Finding {
        switch probe.source {
        case .modification(let path):
            do throws(SystemError) {
                return .measured(try FileStatus(following: path).modified)
            } catch { return .failed("\(error)") }
        case .number(let path):
            do throws(SystemError) {
                let text = try readBeginning(path, most: CommandProbe.mostOutputBytes)
                return number(in: text, of: path)
            } catch { return .failed("\(error)") }
        case .command(let command):
            switch run(command, request, keeping: .first(CommandProbe.mostOutputBytes)) {
            case .failure(let finding): return finding
            case .success(let outcome):
                guard outcome.status == .exited(0) else { return ended(command, outcome, request) }
                return number(in: outcome.output, of: "the output of \(command[0])")
            }
        }
    }

    private static func number(in bytes: [UInt8], of place: String) -> Finding {
        firstNumber(in: bytes).map { .measured($0) } ?? .failed("\(place) has no number")
    }
}

/// The first decimal number in a text. A fraction counts by its first six digits: `12.5` is
/// 12500000, so that what moves slowly is seen to move.
public func firstNumber(in bytes: [UInt8]) -> Int64? {
    guard let start = bytes.firstIndex(where: isDigit) else { return nil }
    let whole = bytes[start...].prefix(while: isDigit)
    var digits = Array(whole)
    let rest = bytes[whole.endIndex...]
    if rest.first == UInt8(ascii: "."), rest.dropFirst().first.map(isDigit) == true {
        let fraction = rest.dropFirst().prefix(while: isDigit).prefix(6)
        digits += fraction + [UInt8](repeating: UInt8(ascii: "0"), count: 6 - fraction.count)
    }
    // Of a number beyond 64 bits the end moves.
    let value = digits.suffix(18).reduce(Int64(0)) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
    let isNegative = start > 0 && bytes[start - 1] == UInt8(ascii: "-")
    return isNegative ? -value : value
}

private func isDigit(_ byte: UInt8) -> Bool {
    UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
}

/// `12 s`
func inSeconds(_ nanoseconds: Int64) -> String { "\(nanoseconds / 1_000_000_000) s" }

/// `0640`
func octal(_ mode: UInt32) -> String { "0" + String(mode, radix: 8) }

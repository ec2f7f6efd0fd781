import JSON
import Linux
import NixOS
import SafeSwitch

/// Looks at what may never answer, in children that are killed when they are late.
struct Looking {
    /// So many nanoseconds one look may take.
    static let patience: Int64 = 2_000_000_000
    /// A look at all generations may take so many.
    static let surveyPatience: Int64 = 10_000_000_000
    /// So many looks one child does.
    static let batch = 128
    /// After so many that did not answer, nothing more is looked at.
    static let mostSilent = 4

    private let program: String
    private var silent = 0

    /// One that runs this program again.
    init() throws(Exit) {
        do throws(SystemError) { program = try executablePath() } catch { throw .wrong("\(error)") }
    }

    /// What paths lead to, for this user; `nil`: for us.
    mutating func paths(_ paths: [String], as account: Account? = nil) -> [PathSight] {
        let answers = ask(paths.map(LookOrder.path), as: account)
        return answers.map { answer in
            switch answer {
            case .line(let line):
                (try? JSONValue.parse(line, limit: LookOrder.longest)).map(PathSight.init)
                    ?? .unseen("the look failed: " + String(decoding: line, as: UTF8.self))
            case .silent: .silent
            case .unseen(let why): .unseen(why)
            }
        }
    }

    /// What one path leads to, for us.
    mutating func path(_ path: String) -> PathSight { paths([path]).first ?? .silent }

    /// Who they are.
    mutating func accounts(_ orders: [LookOrder]) -> [AccountSight] {
        ask(orders, as: nil).map { answer in
            guard case .line(let line) = answer else { return .silent }
            return AccountSight(try? JSONValue.parse(line, limit: LookOrder.longest))
        }
    }

    /// The machine's generations, or why they were not seen.
    mutating func landscape(root: String) -> Result<Landscape, Unseen> {
        switch ask([.system(root: root)], as: nil, within: Self.surveyPatience).first {
        case .line(let line)?:
            if case .landscape(let landscape, _)? = SystemReport(line: line) {
                return .success(landscape)
            }
            return .failure(Unseen(why: String(decoding: line, as: UTF8.self)))
        case .unseen(let why)?: return .failure(Unseen(why: why))
        case .silent?, nil: return .failure(Unseen(why: "the disk did not answer in time"))
        }
    }

    /// Why something was not seen.
    struct Unseen: Error, Equatable {
        let why: String
    }

    private enum Answer {
        case line([UInt8])
        case silent
        case unseen(String)
    }

    /// The answers, one to each order.
    private mutating func ask(
        _ orders: [LookOrder], as account: Account?, within patience: Int64 = patience
    ) -> [Answer] {
        var answers: [Answer] = []
        while answers.count < orders.count {
            guard silent < Self.mostSilent else {
                answers.append(.unseen("too much did not answer before"))
                continue
            }
            let batch = orders[answers.count...].prefix(Self.batch)
            let (lines, trouble) = run(Array(batch), account, patience)
            answers += lines.prefix(batch.count).map(Answer.line)
            guard lines.count < batch.count else { continue }
            if let trouble {
                answers += batch.dropFirst(lines.count).map { _ in .unseen(trouble) }
            } else {
                answers.append(.silent)
                silent += 1
            }
        }
        return answers
    }

    /// The lines that came in time, and why no more came where that is known.
    private func run(
        _ orders: [LookOrder], _ account: Account?, _ patience: Int64
    ) -> ([[UInt8]], String?) {
        var ingredients = SpawnPlan.Ingredients(
            command: [program, "doctor-look", "--"] + orders.map(\.text),
            environment: ["PATH=/usr/bin:/bin", "LC_ALL=C", "SWIFT_BACKTRACE=enable=no"])
        ingredients.directory = "/"
        ingredients.account = account
        do throws(SystemError) {
            let outcome = try BoundedCommand.run(
                ingredients, nanoseconds: patience, keeping: .first(Self.mostOutput))
            let text = outcome.output
            var lines = text.split(separator: 10, omittingEmptySubsequences: false).map(Array.init)
            let rest = lines.popLast() ?? []  // what no line end follows
            guard let status = outcome.status else { return (lines, nil) }
            if status == .exited(0) { return (lines, nil) }
            let words = String(decoding: lines.popLast() ?? rest, as: UTF8.self)
            return ([], "the look ended with \(status): \(words)")
        } catch { return ([], "\(error)") }
    }

    /// Bytes of a batch's answers: a landscape is the longest.
    private static let mostOutput = SystemReport.longestLine + 4096
}

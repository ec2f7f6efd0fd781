import Ledger
import Linux
import NixOS
import SafeSwitch
import Supervision

/// Looks at the machine's generations, and deeds: each is a child, which may hang where the loop must
/// not. One of each kind at a time, in the order in which they were asked for.
extension Daemon {
    /// How long a deed may take. Ended then, it has done all of what it does or nothing, and can be
    /// done again.
    static let deedPatience: Int64 = 60_000_000_000

    func survey(_ serial: Int, _ question: Question?, also system: String?) {
        switching.watch?.watchAll()
        order(
            .survey(serial: serial), .survey(question, also: system),
            patience: SwitchMind.surveyWait.nanoseconds)
    }

    func perform(_ deed: Deed, _ serial: Int) {
        order(.deed(serial: serial), .deed(deed), patience: Self.deedPatience)
    }

    private func order(_ purpose: Errand.Purpose, _ order: SystemOrder, patience: Int64) {
        guard switching.orders.count < Switching.mostWaiting, let line = order.line else {
            return orderFailed(purpose, "too much was asked at once")
        }
        switching.orders.append(
            Switching.Order(
                purpose: purpose, line: line, deadline: now.boot + patience))
        beginOrders()
    }

    /// Begins what has nothing of its kind before it.
    func beginOrders() {
        for isDeed in [true, false] {
            guard !errands.contains(where: { $0?.purpose.isDeed == isDeed }),
                let index = switching.orders.firstIndex(where: { $0.purpose.isDeed == isDeed })
            else { continue }
            begin(switching.orders.remove(at: index))
        }
    }

    private func begin(_ order: Switching.Order) {
        do throws(SystemError) {
            let line = try AnonymousFile.sealed(named: "regen-order", order.line)
            run(
                [
                    Self.siblingProgram("regend"), "--system", "--root",
                    options.root.isEmpty ? "/" : options.root,
                ],
                for: order.purpose, reading: line.raw, until: order.deadline)
            _ = consume line  // it was open until here
        } catch { orderFailed(order.purpose, "\(error)") }
    }

    /// Answers those that waited too long for their turn.
    func checkOrders() {
        while let index = switching.orders.firstIndex(where: { $0.deadline <= now.boot }) {
            let order = switching.orders.remove(at: index)
            orderFailed(order.purpose, "the one before it did not end in time")
        }
    }

    /// A child has ended, or is late: then it is answered at once, and ended.
    func orderEnded(_ purpose: Errand.Purpose, _ output: [UInt8], _ status: WaitStatus?) {
        guard status == .exited(0) else {
            let words = String(decoding: output.prefix(1 << 10), as: UTF8.self)
            orderFailed(purpose, words.isEmpty ? "it did not come back in time" : words)
            return beginOrders()
        }
        switch (purpose, NixOS.SystemReport(line: Array(output.dropLast()))) {
        case (.survey(let serial), .landscape(let landscape, let comparison)):
            switching.story.landscape = landscape
            tellSwitch(.surveyed(serial: serial, landscape, comparison))
        case (.deed(let serial), .outcome(let outcome)):
            tellSwitch(.done(serial: serial, outcome))
        default: orderFailed(purpose, "regend --system gave an answer to something else")
        }
        beginOrders()
    }

    private func orderFailed(_ purpose: Errand.Purpose, _ words: String) {
        switch purpose {
        case .survey(let serial): tellSwitch(.surveyFailed(serial: serial, words))
        case .deed(let serial):
            tellSwitch(.done(serial: serial, .failed(words, isTransient: true)))
        default: break
        }
    }
}

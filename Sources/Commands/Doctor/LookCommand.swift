internal import ArgumentParser

/// `regen doctor-look`: what `regen doctor` runs to look at what may never answer, as whom it is
/// about. Each argument is a `LookOrder`; each answer is a line.
struct LookCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor-look", abstract: "Looks for regen doctor.", shouldDisplay: false)

    @Argument var orders: [String]

    func run() throws {
        for text in orders {
            guard let order = LookOrder(text) else {
                throw Exit.wrong("only regen doctor starts me")
            }
            try Terminal.output.write(order.answer + "\n")
        }
    }
}

import Commands
import Configuration
import Testing

@Suite("mutated configurations") struct MutationTests {
    /// How many; each takes a few tens of microseconds.
    static let count = 50_000

    @Test("any damage to a good file gets an answer or errors with places") func mutations() {
        var random = Seeded(state: 0x5EED)
        let good = Array(sample.utf8)
        var (fine, refused) = (0, 0)
        for number in 0..<Self.count {
            var bytes = good
            for _ in 0..<Int.random(in: 1...4, using: &random) { mutate(&bytes, &random) }
            var warnings: [ConfigurationError] = []
            do {
                _ = try Configuration(try YAMLTree.read(bytes), warnings: &warnings)
                fine += 1
            } catch {
                refused += 1
                #expect(!error.errors.isEmpty, "mutation \(number)")
                for each in error.errors where each.position == nil || each.message.isEmpty {
                    Issue.record("mutation \(number): no place for \(each)")
                }
            }
        }
        // Both outcomes are met, or the mutations test nothing.
        #expect(fine > Self.count / 100)
        #expect(refused > Self.count / 3)
    }

    private func mutate(_ bytes: inout [UInt8], _ random: inout Seeded) {
        guard !bytes.isEmpty else { return }
        let place = Int.random(in: 0..<bytes.count, using: &random)
        let end = min(bytes.count, place + Int.random(in: 1...24, using: &random))
        switch Int.random(in: 0..<6, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 2: bytes.removeSubrange(place..<end)
        case 3:
            bytes.insert(
                contentsOf: bytes[place..<end], at: Int.random(in: 0...bytes.count, using: &random))
        case 4:
            let tokens = [
                "*command", "&command ", "? ", ": ", "- ", "{", "}", "[", "]", "\"", "'", "|\n",
                "\n", "  ", "null", "~", "<<: ", "!!int ", "%", "\t", "@",
            ]
            bytes.insert(contentsOf: Array(tokens.randomElement(using: &random)!.utf8), at: place)
        default: bytes.removeSubrange(place...)
        }
    }
}

/// SplitMix64: the same numbers on every machine.
private struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

import Configuration
import JSON
import Probing
import Supervision
import Testing
import Worker

/// The same bytes for the same seed.
private struct Dice {
    var state: UInt64

    mutating func roll(_ bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((state >> 33) % UInt64(bound))
    }

    /// Some bytes changed, left out or doubled.
    mutating func mutate(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for _ in 0...roll(4) where !bytes.isEmpty {
            let place = roll(bytes.count)
            switch roll(4) {
            case 0: bytes[place] = UInt8(roll(256))
            case 1: bytes.remove(at: place)
            case 2: bytes.insert(Array("0123456789-\"{}[]:,e".utf8)[roll(19)], at: place)
            default: bytes.removeSubrange(place..<min(place + roll(9), bytes.count))
            }
        }
        return bytes
    }
}

@Suite("mutated lines") struct MutationTests {
    static let requests: [LookRequest] = {
        let errands: [LookRequest.Errand] = [
            .probe(Probe(.command(CommandProbe(command: ["/bin/true", "x"])))),
            .probe(Probe(.progress(ProgressProbe(.number(path: "/n"))))),
            .probe(Probe(.memory(MemoryProbe(below: .share(80))))),
            .freePorts([80], earlier: [ProcessIdentity(pid: 7, startTicks: 8)]),
            .restore([Dependency(base: "/srv", path: "a", kind: .link(to: "b"))]),
            .survey([.log(path: "/l", before: 7), .ports([1]), .changes(root: "")]),
        ]
        return errands.map {
            LookRequest(
                serial: 3, $0,
                of: Subject(main: ProcessIdentity(pid: 1, startTicks: 2), cgroup: "/c"),
                timeout: .seconds(1))
        }
    }()

    @Test("a request or an answer is read whole, or not at all", arguments: 0..<8)
    func lines(seed: UInt64) throws {
        var dice = Dice(state: seed)
        var survey = Survey(serial: 4)
        survey.log = LogEnd(offset: 4, bytes: [1, 2, 255])
        survey.memory = MemoryUse(bytes: 5, source: .resident, processes: 2)
        survey.missing = [MissingEnvironment(path: "/e", keys: ["K"])]
        let answers: [LookAnswer] = [
            .survey(survey), .remedy(RemedyAnswer(serial: 2, outcome: .failed, output: "x")),
            .probe(Answer(serial: 1, outcome: .failed, reason: "r", value: 5)),
        ]
        var understood = 0
        for _ in 0..<2000 {
            let request = try #require(Self.requests[dice.roll(Self.requests.count)].line)
            if let read = LookRequest(line: dice.mutate(request.dropLast())) {
                understood += 1
                // What was understood is written and read again as the same.
                let line = try #require(read.line)
                #expect(LookRequest(line: line.dropLast()) == read)
            }
            var json = JSONWriter()
            answers[dice.roll(answers.count)].write(into: &json)
            if let read = LookAnswer(line: dice.mutate(json.bytes)) {
                json.removeAll()
                read.write(into: &json)
                #expect(LookAnswer(line: json.bytes) == read)
            }
        }
        #expect(understood > 0)
    }

    @Test("a request that is too long is not sent") func tooLong() {
        var request = Self.requests[0]
        request.subject.environment = [String(repeating: "x", count: LookRequest.longestLine)]
        #expect(request.line == nil)
    }

    @Test(
        "numbers are found in any text",
        arguments: [
            ("", nil), ("none", nil), ("12", 12), ("-12", -12), ("a-b 3.5.7", 3_500_000), ("7.", 7),
            (".5", 5), ("99999999999999999999", 999_999_999_999_999_999), ("1.23456789", 1_234_567),
        ] as [(String, Int64?)])
    func numbers(text: String, number: Int64?) {
        #expect(firstNumber(in: Array(text.utf8)) == number)
    }
}

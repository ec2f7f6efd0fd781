import Records
import SafeSwitch
import Supervision
import Testing

/// A rollback may bring an older Regen back, which then reads what a newer one wrote.
@Suite("a ledger of a newer Regen") struct NewerLedgerTests {
    private static let id = InstanceID(0)
    private static let process = ProcessIdentity(pid: 4711, startTicks: 99)

    private func diary() -> Diary {
        var diary = Diary()
        diary.write(
            .generationChanged(from: "/good", to: "/bad", generation: 42, by: .other))
        diary.write(
            .probationBegan(
                system: "/bad", generation: 42, previous: "/good", previousGeneration: 41,
                lasts: .minutes(10)))
        diary.write(.processStarted(Self.id, Self.process, attempt: 1))
        diary.pass(Diary.second)
        diary.write(
            .processExited(
                Self.id, Self.process, attempt: 1, .code(1), uptime: .seconds(1), asked: false))
        diary.write(.incidentOpened(Self.id, incident: 2, .exitCode, probe: nil))
        diary.write(
            .intended(
                Flight(
                    id: 7, purpose: .rollback(incident: 2), from: "/bad", to: "/good",
                    generation: 41, mode: .live, began: .seconds(100))))
        diary.write(.flightEnded(flight: 7, .succeeded))
        diary.write(.quarantined(system: "/bad", generation: 42, culprit: nil, incident: 2))
        return diary
    }

    @Test("events and keys that it does not know change nothing of what it remembers")
    func unknown() {
        let diary = diary()
        #expect(diary.switchMemory.quarantined == ["/bad"])
        #expect(diary.memory.nextIncident == 3)
        var lines: [[UInt8]] = []
        for line in diary.lines {
            lines.append(diary.line("oracle.speak", Array(#""service":"web","of":[1.5,{}]"#.utf8)))
            let more = #","mood":{"of":["day",1.5,null]},"service2":"x"}"# + "\n"
            lines.append(line.dropLast(2) + Array(more.utf8))
        }
        // A state that an older Regen has no word for.
        lines.append(diary.line("carry", Array(#""oracle":{"n":1}"#.utf8)))
        #expect(diary.memory(of: lines) == diary.memory)
        #expect(diary.switchMemory(of: lines) == diary.switchMemory)
    }

    @Test("words that it does not know lose no incident, no hand-over and no count") func words() {
        var diary = diary()
        diary.write(.incidentHandedOver(Self.id, incident: 2, .attempts))
        let newer = diary.lines.map { line in
            var text = String(decoding: line, as: UTF8.self)
            for (key, word) in [("kind", "exit-code"), ("reason", "attempts")] {
                text = text.replacing("\"\(key)\":\"\(word)\"", with: "\"\(key)\":\"oracle\"")
            }
            return Array(text.utf8)
        }
        #expect(newer.count { String(decoding: $0, as: UTF8.self).contains("oracle") } == 2)
        #expect(diary.memory.instances["web"]?.isHandedOver == true)
        #expect(diary.memory(of: newer) == diary.memory)
        #expect(diary.switchMemory(of: newer) == diary.switchMemory)
    }

    @Test("what it carries into its own segment is the same as without them") func carried() {
        let diary = diary()
        let lines = diary.lines + [diary.line("oracle.speak", Array(#""service":"web""#.utf8))]
        let carried = diary.carried(diary.recollection(of: lines))
        #expect(diary.memory(of: carried) == diary.memory)
        #expect(diary.switchMemory(of: carried) == diary.switchMemory)
    }
}

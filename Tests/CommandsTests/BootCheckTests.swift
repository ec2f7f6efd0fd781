import Control
import Foundation
import JSON
import Synchronization
import Testing

@Suite("regen boot-check") struct BootCheckTests {
    private static let failed: BootCheckReply = {
        var reply = BootCheckReply(passed: false, text: "so it is\u{1B}")
        reply.system = "/nix/store/new"
        reply.generation = 42
        reply.unhealthy = ["web", "db"]
        reply.waitedMilliseconds = 3000
        return reply
    }()

    @Test("no is 1, and says of which generation and because of whom")
    func no() throws {
        let answer = try regen("boot-check", "--wait", "3s") { request in
            guard case .bootCheck(let milliseconds) = request else {
                return .failure(.permissionDenied)
            }
            #expect((2000...3000).contains(milliseconds))
            return .reply(Self.failed.write)
        }
        #expect(answer.code == 1)
        #expect(
            answer.output == """
                generation 42: the boot has failed: so it is\\u{1b}; not healthy: web, db

                """)
    }

    @Test("yes is 0, and JSON reads back")
    func yes() throws {
        var reply = BootCheckReply(passed: true, text: "all is well")
        reply.reason = "healthy"
        let sent = reply
        let answer = try regen("boot-check", "--json") { request in
            guard case .bootCheck(290_000...300_000) = request else {
                return .failure(.permissionDenied)
            }
            return .reply(sent.write)
        }
        #expect(answer.code == 0)
        let json = try JSONValue.parse(Array(answer.output.utf8), limit: 4096)
        #expect(BootCheckReply(json) == reply)
    }

    @Test("who may not ask is told so: 2")
    func denied() throws {
        let answer = try regen("boot-check", "--wait", "1s") { _ in .failure(.permissionDenied) }
        #expect(answer.code == 2)
        #expect(answer.error.contains("become root"))
    }

    @Test(
        "a regend that is ending is asked again; one that is too old, or never there, is a yes, aloud"
    )
    func notThere() throws {
        let asked = Mutex(0)
        let again = try regen("boot-check", "--wait", "5s") { _ in
            let count = asked.withLock { count in
                count += 1
                return count
            }
            if count == 1 { return .failure(.notNow(reason: "regend is ending")) }
            return .reply(Self.failed.write)
        }
        #expect(again.code == 1)
        #expect(asked.withLock { $0 } == 2)
        let old = try regen("boot-check", "--wait", "5s") { _ in
            .failure(.methodNotFound(method: "BootCheck"))
        }
        #expect(old.code == 0)
        #expect(old.error.contains("WARNING: the boot counts as good"))
        let none = try run(
            ["boot-check", "--wait", "1s", "--json", "--runtime-directory", "/nowhere"])
        #expect(none.code == 0)
        #expect(none.error.contains("WARNING"))
        #expect(none.output.contains("\"reason\":\"unreachable\""))
    }
}

import Glibc
import JSON
import Testing

@Suite("a service dies") struct RestartTests {
    @Test("kill -9, and it is back with another pid and a healed incident in the ledger")
    func comesBack() throws {
        let installation = try Installation("services: { web: { command: [/bin/sleep, '1000'] } }")
        try installation.start()
        try installation.until("web runs") { try installation.phase("web") == "running" }
        let first = try #require(try installation.pid(of: "web"))
        kill(first, SIGKILL)
        try installation.until("web has another pid") {
            let pid = try installation.pid(of: "web")
            return pid != nil && pid != first
        }
        try installation.until("the incident is resolved") {
            try installation.records("incident.resolve", of: "web").count == 1
        }
        let exit = try #require(try installation.records("process.exit", of: "web").first)
        #expect(exit["signal"]?.integer == 9)
        #expect(exit["asked"]?.bool == false)
        #expect(exit["name"]?.string == "sleep")
        #expect(try installation.end() == 0)
        #expect(installation.survivors().isEmpty)
    }
}

import Foundation
import Linux
import Systemd
import Testing

@Suite("one look at PID 1") struct BusLookTests {
    @Test("a bus that is away is told") func absent() {
        #expect(throws: BusFailure.self) { _ = try BusLook(.bus(path: "/nonexistent/bus")) }
    }

    @Test("a bus that takes the connection and says nothing is not waited for") func silent() throws
    {
        let path = "/tmp/regen-silent-\(UUID().uuidString.prefix(8))"
        let listener = try UnixSocket.listen(at: path)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let began = Clock.monotonic()
        do throws(BusFailure) {
            _ = try BusLook(.bus(path: path), units: [UnitName("a.service")!])
            Issue.record("it answered")
        } catch {
            #expect(error.reason == "systemd does not answer on unix:path=\(path)")
        }
        #expect(Clock.monotonic() - began >= BusLook.patience)
        _ = listener.raw
    }
}

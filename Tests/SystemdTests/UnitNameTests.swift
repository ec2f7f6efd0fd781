import Systemd
import Testing

@Suite("names of units") struct UnitNameTests {
    @Test(
        "a name that systemd would take is taken",
        arguments: [
            "nginx.service", "worker@3.service", "dev-disk-by\\x2dlabel-a.device",
            "a:b_c.d-e.socket",
            "worker@a@b.service", "-.slice", "-.mount",
            String(repeating: "a", count: 247) + ".service",
        ])
    func taken(_ text: String) { #expect(UnitName(text)?.text == text) }

    @Test(
        "what is no unit's name is refused",
        arguments: [
            "", ".service", "nginx", "nginx.", "nginx.conf", "nginx.Service", "@.service",
            "@3.service", "worker@.service", "worker@*.service", "a b.service", "a/b.service",
            "../a.service", "a\\.service", "a\\x2.service", "a\\x2G.service", "a\\y2d.service",
            "é.service", "a\0.service", "a\n.service", "a'.service", "a%n.service", "$a.service",
            String(repeating: "a", count: 248) + ".service",
        ])
    func refused(_ text: String) { #expect(UnitName(text) == nil) }

    @Test("no byte but those of names gets through, wherever it stands")
    func everyByte() {
        let allowed = Set(
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.@".utf8)
        for byte in UInt8(0)...127 {
            let name = "a" + String(UnicodeScalar(byte)) + "a.service"
            #expect((UnitName(name) != nil) == allowed.contains(byte), "byte \(byte)")
        }
    }

    @Test(
        "a pattern stands for the instances of one template",
        arguments: ["worker@*.service", "a-b@*.timer"])
    func patterns(_ text: String) { #expect(UnitPattern(text)?.text == text) }

    @Test(
        "wider patterns are refused",
        arguments: [
            "*.service", "@*.service", "worker*.service", "worker@*", "worker@a*.service",
            "w*r@*.service", "worker@?.service", "worker@[a].service", "worker@*.conf",
        ])
    func widePatterns(_ text: String) { #expect(UnitPattern(text) == nil) }

    @Test("a pattern matches instances, and not the template or a neighbour")
    func matches() throws {
        let pattern = try #require(UnitPattern("worker@*.service"))
        #expect(pattern.matches("worker@1.service"))
        #expect(pattern.matches("worker@a.b.service"))
        for name in ["worker@.service", "worker@1.socket", "worker.service", "aworker@1.service"] {
            #expect(!pattern.matches(name))
        }
    }
}

import Supervision
import Testing

@Suite("instants and intervals") struct InstantTests {
    @Test("a far deadline saturates instead of overflowing") func saturates() {
        let far = Instant(nanoseconds: .max - 1) + .hours(1)
        #expect(far == Instant(nanoseconds: .max))
    }
}

/// When something happened, by both clocks.
public struct Stamp: Equatable, Sendable {
    /// Nanoseconds since 1970, of a clock that can be set.
    public var wall: Int64
    /// Nanoseconds of CLOCK_BOOTTIME.
    public var boot: Int64

    /// A reading of both clocks.
    public init(wall: Int64, boot: Int64) {
        self.wall = wall
        self.boot = boot
    }
}

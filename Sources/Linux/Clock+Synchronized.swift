private import CLinux

extension Clock {
    /// From so many microseconds on, a clock is not kept right by anybody: the kernel counts its
    /// greatest error up until somebody corrects it, and stops here.
    private static let lost = 16_000_000

    /// Whether somebody keeps the wall clock right; `nil`: the kernel does not tell.
    /// The corresponding C function is `adjtimex`, which changes nothing here.
    public static var isSynchronized: Bool? {
        let error = regen_clock_error()
        return error < 0 ? nil : error < lost
    }
}

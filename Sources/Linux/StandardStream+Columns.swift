private import CLinux
private import Glibc

extension StandardStream {
    /// How many columns the terminal has; `nil` when it is none, or does not say.
    ///
    /// The corresponding C function is `ioctl` with TIOCGWINSZ.
    public var columns: Int? {
        var size = winsize()
        guard ioctl(rawValue, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }
}

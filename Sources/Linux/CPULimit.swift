private import CLinux
private import Glibc

/// Ends this process when it has computed for too long; for programs that read somebody's input
/// once and go.
public enum CPULimit {
    nonisolated(unsafe) private static var message: StaticString = ""

    /// After `seconds` of CPU time from now the message goes to standard error and the process ends
    /// with 2. The corresponding C functions are `setitimer` and `signal`.
    public static func begin(seconds: Int, _ message: StaticString) {
        CPULimit.message = message
        signal(SIGPROF) { _ in
            // Only calls that signal-safety(7) lists.
            _ = write(2, CPULimit.message.utf8Start, CPULimit.message.utf8CodeUnitCount)
            _exit(2)
        }
        arm(seconds)
    }

    /// Takes the limit back. A timer would outlive execve.
    public static func end() {
        arm(0)
        signal(SIGPROF, SIG_DFL)
    }

    // An enum in C; the call takes its number.
    private static let profile = __itimer_which_t(ITIMER_PROF.rawValue)

    private static func arm(_ seconds: Int) {
        var timer = itimerval()
        timer.it_value.tv_sec = seconds
        precondition(setitimer(profile, &timer, nil) == 0, "a timer within bounds is armed")
    }
}

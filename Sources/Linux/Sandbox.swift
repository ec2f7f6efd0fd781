private import CLinux
private import Glibc

/// What a process that talks to strangers gives up before it begins.
public enum Sandbox {
    /// The most address space, in bytes.
    public static let memory: UInt64 = 512 << 20
    /// The most open files, where the hard limit allows so many.
    public static let descriptors: UInt64 = 16384
    /// The stack of a thread, in bytes: those that look names up need little, and are many.
    public static let threadStack: UInt64 = 256 << 10

    /// Gives up, for ever: capabilities and every way to get some, core dumps, writing files, more
    /// than the limits above, and all system calls but those of a client. Running a program, a
    /// debugger's calls, mounting and changing the user kill the process.
    ///
    /// Call it before there is a second thread. The corresponding C functions are `setrlimit`, `prctl`
    /// with PR_SET_DUMPABLE and PR_SET_NO_NEW_PRIVS, `capset`, and `seccomp`.
    public static func enter() throws(SystemError) {
        let step = regen_enter_sandbox(memory, descriptors, threadStack)
        guard step != 0 else { return }
        let code = errno
        let names = [
            "set limits", "become undumpable", "drop the capabilities", "set no_new_privs",
            "install the filter of system calls",
        ]
        throw SystemError(code, names[Int(step) - 1])
    }
}

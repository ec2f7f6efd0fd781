import Linux
import SafeSwitch

/// Why a deed was not done.
struct DeedFailure: Error {
    /// What, where, and what to do next.
    var words: String
    /// Trying again may help.
    var isTransient: Bool
    /// What was tried does not work on this file system or kernel, and Nix may know another way.
    var isForNix = false

    init(_ words: String, isTransient: Bool = false) {
        self.words = words
        self.isTransient = isTransient
    }

    /// The kernel's answer.
    init(_ error: SystemError) {
        let advice: String
        switch error.code {
        case SystemError.noSpace, SystemError.quota:
            (advice, isTransient) = ("; make room, for example with nix-collect-garbage", true)
        case SystemError.readOnly:
            (advice, isTransient) = ("; mount it for writing", false)
        case SystemError.accessDenied, SystemError.notPermitted:
            (advice, isTransient) = ("; regend must run as root", false)
        case SystemError.inputOutput:
            (advice, isTransient) = ("; look at the disk with dmesg", false)
        case SystemError.noEntry, SystemError.notDirectory:
            (advice, isTransient) = ("", false)
        case SystemError.busy, SystemError.again, SystemError.noMemory, SystemError.noDescriptor:
            (advice, isTransient) = ("", true)
        default:
            (advice, isTransient) = ("", false)
            isForNix = true
        }
        words = "\(error)\(advice)"
    }

    var outcome: DeedOutcome { .failed(words, isTransient: isTransient) }
}

/// Turns what the kernel answers into a deed's failure.
func deed<Result: ~Copyable>(
    _ body: () throws(SystemError) -> Result
) throws(DeedFailure) -> Result {
    do throws(SystemError) { return try body() } catch { throw DeedFailure(error) }
}

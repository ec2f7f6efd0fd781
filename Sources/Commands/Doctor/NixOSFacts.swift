public import Control
public import SafeSwitch

/// What is seen of NixOS: generations to go back to.
public struct NixOSFacts: Equatable, Sendable {
    /// What the configuration allows; `nil`: SafeSwitch is off.
    public var policy: SafeSwitchPolicy?
    /// Whether there is a configuration that could say so.
    public var isConfigured = false
    /// The machine's generations.
    public var landscape = Sight.none
    /// What regend says of them; `nil`: there is none, and this look has to do.
    public var reports: [GenerationReport]?
    /// Where regend says that a rollback would lead; `nil`: there is none.
    public var plan: PlanReport?
    /// Where Nix has its profiles.
    public var store: RegenFacts.Place?
    /// Whether there is a `nix-env` to fall back on.
    public var hasNix = false
    /// Where the boot loader has its entries, where that is a file system of its own.
    public var bootPath: String?

    /// The machine's generations.
    public enum Sight: Equatable, Sendable {
        /// There is nothing of Nix here.
        case none
        /// These.
        case seen(Landscape)
        /// They could not be looked at, and why.
        case unseen(String)
    }

    /// Nothing seen.
    public init() {}

    /// Whether somebody counts on a rollback.
    public var wantsRollback: Bool {
        (policy?.mode ?? .off) != .off || (!isConfigured && landscape != .none)
    }
}

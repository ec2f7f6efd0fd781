/// What is known of one system in the Nix store, whichever generation leads to it.
public struct NixSystem: Equatable, Sendable {
    /// Its store path: `/nix/store/…-nixos-system-…`.
    public var path: String
    /// The text of `nixos-version`; `nil`: there is none.
    public var version: String?
    /// The kernel's version, the first directory of `kernel-modules/lib/modules`.
    public var kernelVersion: String?
    /// The revision that its configuration was built from, where it says so.
    public var revision: String?
    /// What `kernel`, `initrd` and `kernel-modules` lead to. Where these differ between two systems,
    /// only a reboot brings all of the second one (nixpkgs, auto-upgrade.nix).
    public var kernel: KernelTriple
    /// What `systemd` leads to.
    public var systemd: String?
    /// The text of `init-interface-version`. switch-to-configuration refuses to go live from one to
    /// another (exit code 100).
    public var initInterface: String?
    /// `switch-inhibitors`, by key. switch-to-configuration refuses to go live between two systems
    /// that disagree on a key that both have.
    public var inhibitors: [Inhibitor]
    /// What it lacks to be switched to or booted; empty: it is complete.
    public var defects: [Defect]
    /// Its specialisations.
    public var specialisations: [Specialisation]

    /// What boots.
    public struct KernelTriple: Equatable, Sendable {
        /// What the link `kernel` leads to; `nil`: it is missing or leads nowhere.
        public var kernel: String?
        /// The same of `initrd`.
        public var initrd: String?
        /// The same of `kernel-modules`.
        public var modules: String?

        /// A triple.
        public init(kernel: String? = nil, initrd: String? = nil, modules: String? = nil) {
            self.kernel = kernel
            self.initrd = initrd
            self.modules = modules
        }
    }

    /// One key of `switch-inhibitors` with its value.
    public struct Inhibitor: Equatable, Sendable {
        /// The key: `dbus-implementation`.
        public var key: String
        /// Its value: `broker`.
        public var value: String

        /// An inhibitor.
        public init(key: String, value: String) {
            self.key = key
            self.value = value
        }
    }

    /// A variant of a system, a whole system itself.
    public struct Specialisation: Equatable, Sendable {
        /// Its name.
        public var name: String
        /// Its store path.
        public var path: String

        /// A specialisation.
        public init(name: String, path: String) {
            self.name = name
            self.path = path
        }
    }

    /// What a system lacks.
    public enum Defect: String, CaseIterable, Sendable {
        /// The store path is not there any more.
        case missing
        /// No `nixos-version`: nixos-rebuild refuses such a path as well.
        case notNixOS = "not-nixos"
        /// No executable `bin/switch-to-configuration` (`system.switch.enable = false`).
        case cannotSwitch = "cannot-switch"
        /// No `init`.
        case noInit = "no-init"
        /// No `kernel`, or it leads nowhere.
        case noKernel = "no-kernel"
        /// No `activate`.
        case noActivation = "no-activation"
    }

    /// A system of which nothing but the path is known.
    public init(path: String) {
        self.path = path
        kernel = KernelTriple()
        inhibitors = []
        defects = []
        specialisations = []
    }
}

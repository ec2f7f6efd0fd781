/// What is seen of the machine itself.
public struct MachineFacts: Equatable, Sendable {
    /// The kernel's release: `6.18.5`.
    public var kernel = ""
    /// The user who looks.
    public var user: UInt32 = 0
    /// The name of PID 1's program.
    public var initName = ""
    /// Whether systemd has booted the machine (sd_booted(3)).
    public var isSystemd = false
    /// Whether the configuration has units to watch.
    public var needsSystemd = false
    /// What PID 1 answers.
    public var bus = Bus.notAsked
    /// Where cgroup v2 is mounted; `nil`: nowhere.
    public var cgroup: String?
    /// The controllers that it has.
    public var controllers: [String] = []
    /// Whether regend holds services in control groups of their own; `nil`: no regend tells.
    public var hasLeaves: Bool?
    /// Whether the configuration wants none.
    public var wantsNoLeaves = false
    /// Whether journald listens.
    public var hasJournal = false
    /// Whether the journal outlives a reboot.
    public var keepsJournal = false
    /// Whether the kernel tells of pressure stalls.
    public var tellsPressure = false
    /// Seconds since 1970.
    public var time: Int64 = 0
    /// Whether somebody keeps the clock right; `nil`: the kernel does not tell.
    public var isSynchronized: Bool?
    /// The kernel's name for this boot.
    public var bootID: String?

    /// What the bus gave.
    public enum Bus: Equatable, Sendable {
        /// Nobody asked: there is no systemd.
        case notAsked
        /// PID 1 answers, and has this version.
        case answers(version: String)
        /// It does not, and why.
        case silent(String)
    }

    /// Nothing seen.
    public init() {}
}

extension MachineFacts {
    /// 2026-01-01: nobody has run this version before.
    public static let builtAfter: Int64 = 1_767_225_600
    /// The oldest systemd that this version is tested with.
    public static let leastSystemd = 252
    /// `DelegateSubgroup=` came with it.
    public static let delegatingSystemd = 254

    /// What it comes to.
    public func judge() -> [Finding] {
        [rights, kernelFinding, systemd, busFinding, cgroupFinding, journal, pressure]
            .compactMap { $0 } + [clock, boot]
    }

    private func finding(_ check: String, _ verdict: Finding.Verdict, _ found: String) -> Finding {
        Finding(.machine, check, verdict, found)
    }

    private var rights: Finding? {
        guard user != 0 else { return nil }
        return finding(
            "rights", .warning(fix: "sudo regen doctor  # the same, with nothing left out"),
            "not root (uid \(user)): what only root may see is left out")
    }

    private var kernelFinding: Finding {
        let newer = "boot.kernelPackages = pkgs.linuxPackages_latest;  # then reboot"
        let found = "Linux \(kernel)"
        guard let version = Self.version(kernel) else {
            return finding(
                "kernel", .warning(fix: "uname -r"), "\(found): which that is, is unclear")
        }
        if version < (5, 9) {
            return finding(
                "kernel", .fault(fix: newer), "\(found): Regen needs 5.9 (close_range, pidfds)")
        }
        if version < (5, 14) {
            return finding(
                "kernel", .warning(fix: newer),
                "\(found): before 5.14 there is no cgroup.kill, services are held by session")
        }
        let isOlder = version < (6, 15)
        return finding(
            "kernel", .fine,
            isOlder
                ? "\(found); before 6.15 the exit status of adopted services is unknown" : found)
    }

    /// `6.18.5-x` is (6, 18).
    static func version(_ text: String) -> (Int, Int)? {
        let numbers = text.split { !$0.isASCII || !$0.isNumber }.prefix(2).compactMap { Int($0) }
        return numbers.count == 2 && text.first?.isNumber == true ? (numbers[0], numbers[1]) : nil
    }

    private var systemd: Finding {
        guard isSystemd else {
            let found = "PID 1 is \(initName.isEmpty ? "unknown" : initName), not systemd"
            return needsSystemd
                ? finding(
                    "systemd",
                    .fault(
                        fix: "unit:  # a service with this key needs systemd; give it a command:"),
                    "\(found): units can neither be watched nor started")
                : finding(
                    "systemd",
                    .warning(fix: "exec regen run --config FILE  # from what starts services here"),
                    "\(found): nothing starts regend again if it dies")
        }
        guard case .answers(let version) = bus else {
            return finding("systemd", .fine, "systemd is PID 1; its version is not known")
        }
        let found = "systemd \(version) is PID 1"
        guard let number = Int(version.drop { !$0.isNumber }.prefix { $0.isNumber }) else {
            return finding("systemd", .fine, found)
        }
        if number < Self.leastSystemd {
            return finding(
                "systemd", .warning(fix: "nixos-rebuild boot --upgrade  # and reboot"),
                "\(found): older than any that this version was tested with "
                    + "(\(Self.leastSystemd))")
        }
        return finding(
            "systemd", .fine,
            number < Self.delegatingSystemd
                ? "\(found): control groups without controllers, for "
                    + "DelegateSubgroup= needs \(Self.delegatingSystemd)" : found)
    }

    private var busFinding: Finding? {
        switch bus {
        case .notAsked: return nil
        case .answers: return finding("bus", .fine, "PID 1 answers")
        case .silent(let why):
            let fix = "systemctl start dbus.socket  # then: systemctl status dbus.service"
            return needsSystemd
                ? finding("bus", .fault(fix: fix), "\(why): units are neither seen nor started")
                : finding("bus", .warning(fix: fix), "\(why): nothing can be said of units")
        }
    }

    private var cgroupFinding: Finding {
        guard let cgroup else {
            return finding(
                "cgroup",
                .warning(fix: "systemd.unified_cgroup_hierarchy=1  # on the kernel's command line"),
                "no cgroup v2: services are held by session and process group only")
        }
        let isUnified = cgroup == "/sys/fs/cgroup"
        let names = controllers.isEmpty ? "no controllers" : controllers.joined(separator: " ")
        let found = "cgroup v2 at \(cgroup), \(names)"
        if hasLeaves == false, !wantsNoLeaves {
            return finding(
                "cgroup",
                .warning(
                    fix: "Delegate=yes  # in [Service] of regen.service: systemctl edit regen"),
                "\(found), not delegated to regend: services are held by session")
        }
        if !isUnified {
            return finding(
                "cgroup",
                .warning(fix: "systemd.unified_cgroup_hierarchy=1  # on the kernel's command line"),
                "\(found), beside v1: memory is counted by /proc")
        }
        let leaves = hasLeaves == true ? "; each service has a group of its own" : ""
        return finding("cgroup", .fine, found + leaves)
    }

    private var journal: Finding? {
        guard isSystemd else { return nil }
        if !hasJournal {
            return finding(
                "journal",
                .warning(fix: "systemctl start systemd-journald.socket systemd-journald.service"),
                "journald does not listen: what regend and services say is lost")
        }
        return keepsJournal
            ? finding("journal", .fine, "kept on the disk")
            : finding(
                "journal",
                .warning(
                    fix: "mkdir -p /var/log/journal && journalctl --flush  "
                        + "# or Storage=persistent in journald.conf"),
                "in memory only: after a reboot nobody can read why it came")
    }

    private var pressure: Finding {
        tellsPressure
            ? finding("pressure", .fine, "the kernel tells of stalls")
            : finding(
                "pressure",
                .warning(fix: #"boot.kernelParams = [ "psi=1" ];  # the kernel's command line"#),
                "no pressure stall information: a stalled machine is only seen by late turns")
    }

    private var clock: Finding {
        if time < Self.builtAfter {
            return finding(
                "clock", .fault(fix: "timedatectl set-ntp true"),
                "the year is wrong: limits between rollbacks are counted by it across boots, and "
                    + "certificates fail")
        }
        switch isSynchronized {
        case true?: return finding("clock", .fine, "synchronized")
        case false?:
            return finding(
                "clock", .warning(fix: "timedatectl set-ntp true"),
                "plausible, and kept right by nobody")
        case nil: return finding("clock", .fine, "plausible; the kernel does not tell more")
        }
    }

    private var boot: Finding {
        guard let bootID, bootID.count >= 32 else {
            return finding(
                "boot", .warning(fix: "mount -t proc proc /proc"),
                "the kernel does not name this boot: every start counts as a reboot")
        }
        return finding("boot", .fine, bootID)
    }
}

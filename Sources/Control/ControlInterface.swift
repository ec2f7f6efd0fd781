/// The texts of the interfaces that the socket speaks, in Varlink's own language.
enum ControlInterface {
    /// Regen's own interface.
    static let name = "io.regen.Control"
    /// What every Varlink service can be asked.
    static let service = "org.varlink.service"

    /// The text of an interface; `nil` for one that is not spoken here.
    static func description(of interface: String) -> String? {
        switch interface {
        case name: control
        case service: varlink
        default: nil
        }
    }

    private static let control = """
        # What Regen's daemon tells and does.
        #
        # Keys may be added to a type at any time: ignore those that you do not know.
        # Methods marked "act" need root, the daemon's own user or one listed in its configuration.
        interface io.regen.Control

        # The daemon itself.
        type Daemon (
          pid: int,
          version: string,
          state_directory: string,
          runtime_directory: string,
          config_file: ?string,
          # Milliseconds since 1970, UTC.
          started_unix_ms: int,
          # starting, ready, stopping
          state: string,
          ledger: Ledger,
          cgroup: ?string,
          services: Counts,
          # Absent when there is nothing to tell: the helper processes; how people are told; that
          # many services fail together; that the machine as a whole is slow.
          workers: ?[]Worker,
          routes: ?[]Route,
          common_cause: ?CommonCause,
          stalled: ?bool,
          # Absent where SafeSwitch is off.
          switch: ?Switch,
          # Why the machine has booted.
          boot: ?Boot,
          # Absent where no watchdog is configured.
          watchdog: ?Watchdog
        )

        # How hardware watches the machine through the daemon.
        type Watchdog (
          # feeding, starving, waiting (no device is held), test (none would ever be)
          state: string,
          # What fails while it starves: loop-turned, critical-supervised, ledger-answered.
          condition: ?string,
          # The rule by which no device is used.
          reason: ?string,
          # How often systemd hears that the daemon is alive, where it wants to.
          watched_ms: ?int,
          devices: ?[]WatchdogDevice
        )

        # A watchdog device that is wanted.
        type WatchdogDevice (
          path: string,
          # armed, busy (somebody else feeds it), absent, unusable, off (not to be opened), test
          state: string,
          identity: ?string,
          timeout_ms: ?int,
          # It cannot be stopped; it stops when the daemon is killed.
          nowayout: ?bool,
          disarms_at_death: ?bool,
          # Who feeds it, or why it is unusable.
          detail: ?string
        )

        # How the boot before this one ended: clean, watchdog, power-loss, panic, unknown; and from
        # what this was concluded.
        type Boot (cause: string, evidence: string)

        # A process that looks (probe) or tells people (notify) for the daemon.
        type Worker (
          role: string,
          account: ?string,
          pid: ?int,
          # starting, ready, down
          state: string,
          # So often it was replaced, and why it is not ready or was replaced last.
          restarts: int,
          reason: ?string
        )

        # A way in which people are told of what happened.
        type Route (
          name: string,
          # ready, failing, unusable (as it is configured)
          state: string,
          # So many notices have not been told.
          waiting: int,
          # When somebody was told last; since when nobody could be; why.
          delivered_unix_ms: ?int,
          failing_since_unix_ms: ?int,
          reason: ?string
        )

        # So many of so many probed services fail together: one incident.
        type CommonCause (incident: int, since_unix_ms: int, count: int, of: int)

        # The state of the record of what was done.
        type Ledger (
          # sound, degraded, off
          state: string,
          # Why it is not sound.
          detail: ?string,
          # So many records, and the SHA-256 of the last one.
          records: ?int,
          head: ?string
        )

        # So many services in all, running, and handed over to a human.
        type Counts (total: int, running: int, handed_over: int)

        # One running, or not running, copy of a service.
        type Instance (
          # web@1 for the first of several; the service's name for the only one.
          name: string,
          service: string,
          # stopped, starting, running, backing-off, stopping, handed-over
          phase: string,
          # Whether it should be running.
          wanted: bool,
          critical: bool,
          user: ?string,
          pid: ?int,
          # When the phase began, in milliseconds of CLOCK_BOOTTIME; how long the process runs.
          since_bt_ms: ?int,
          uptime_ms: ?int,
          # Starts since the daemon was started, those of them nobody asked for, recent crashes.
          attempt: int,
          restarts: int,
          crashes_in_window: int,
          # The number of the open incident.
          incident: ?int,
          last_exit: ?Exit,
          # What it waits for, and milliseconds until the next start.
          waiting_for: ?string,
          next_start_ms: ?int,
          # What its probes said last.
          probes: ?[]Probe,
          # Until when nothing is done to it.
          pause: ?Paused,
          # The unhealthy service because of which it is not restarted for its own strikes.
          held_by: ?string,
          # The recovery step in hand, and how many were tried in this incident.
          remedy: ?string,
          remedy_attempts: ?int,
          # What was found out before the first of them.
          diagnosis: ?Diagnosis,
          last_output: ?Output,
          # In the answer to Heal: asked, or nothing (there was nothing to heal).
          healing: ?string,
          note: ?string,
          log: ?string,
          # The unit of systemd that it is; left out: it is Regen's own process.
          unit: ?Unit
        )

        # A unit of systemd: its name, systemd's own words for its state, and who starts it again
        # when it fails (systemd, regen or nobody).
        type Unit (name: string, state: ?string, restarts: ?string)

        # How a process ended: with a code, by a signal, or nobody can know (an adopted one).
        type Exit (code: ?int, signal: ?int, oom: bool, unknown: bool)

        # What one probe said last.
        type Probe (
          # The kind and what it looks at.
          name: string,
          # passed, failed, unknown (nobody could look), never (nobody has looked yet)
          outcome: string,
          # So many failed looks in a row; unhealthy at so many.
          strikes: int,
          of: int,
          # It has never passed under this configuration: it causes nothing.
          suspect: ?bool,
          # For those who may act.
          reason: ?string,
          # How long ago the last look ended, and how long it took.
          ago_ms: ?int,
          took_us: ?int
        )

        # Nothing is done to it until then.
        type Paused (until_unix_ms: int)

        # The kind of failure, in one word and in one sentence. The evidence is for those who may act.
        type Diagnosis (class: string, text: string, evidence: ?[]string, at_unix_ms: int)

        # The last that it wrote; the text itself is in its log.
        type Output (
          bytes: int,
          sha256: string,
          # Where it is in the journal: the unit, and where it begins.
          unit: ?string,
          cursor: ?string
        )

        # What one look with a probe found: passed, failed, or unknown (nobody could look).
        type Look (instance: string, probe: string, outcome: string, took_us: int, reason: ?string)

        # How the machine's generations are looked after.
        type Switch (
          # automatic, propose
          policy: string,
          running: ?System,
          # Until when failures are weighed against what runs; absent: it is not on probation.
          probation_until_unix_ms: ?int,
          # What passed a whole probation last.
          known_good: ?System,
          # The switch that Regen makes; the process of somebody else's.
          flight: ?Flight,
          foreign_switch: ?int,
          # Another kernel runs than that of the running system: until a reboot.
          degraded: bool,
          # Regen's switches that are over since the daemon was started, the latest last.
          ended: ?[]FlightEnd,
          # When the last automatic rollback began.
          last_rollback_unix_ms: ?int
        )

        # A system in the Nix store, and the highest generation that leads to it.
        type System (
          path: string,
          generation: ?int,
          version: ?string,
          specialisation: ?string
        )

        # A switch that Regen makes.
        type Flight (
          number: int,
          # rollback, asked, trial, retreat, settle
          purpose: string,
          to: System,
          # live, reboot, trial
          mode: string,
          # intent, profile, activate, verify, restore, reboot, confirm
          step: string,
          began_unix_ms: int,
          # Until when a human must confirm it.
          confirm_until_unix_ms: ?int
        )

        # A switch of Regen's that is over.
        type FlightEnd (
          number: int,
          purpose: string,
          to: System,
          # succeeded, degraded, not-helped, not-activated, abandoned, not-confirmed
          outcome: string,
          text: string,
          at_unix_ms: int
        )

        # One generation of the system profile.
        type Generation (
          number: int,
          date_unix_ms: int,
          path: string,
          version: ?string,
          kernel: ?string,
          revision: ?string,
          running: bool,
          booted: bool,
          default: bool,
          known_good: bool,
          quarantined: bool,
          fenced: bool,
          specialisations: ?[]string,
          # How a rollback to it would go: live, reboot, refused.
          rollback: string,
          refused: ?Refusal
        )

        # Why nothing is done: in one word, in one sentence, and for each generation.
        type Refusal (reason: string, text: string, rejected: ?[]Rejected)

        # Why one generation is no target.
        type Rejected (generation: int, reason: string, text: string)

        # Read: the daemon and all services, or one of them.
        method Status(service: ?string) -> (daemon: Daemon, services: []Instance)

        # Read: the daemon's version.
        method Version() -> (version: string)

        # Act: answers when the services run, or when it is certain that they do not.
        method Start(services: []string) -> (services: []Instance)

        # Act: answers when the services have ended.
        method Stop(services: []string) -> (services: []Instance)

        # Act: Stop, then Start.
        method Restart(services: []string) -> (services: []Instance)

        # Act: heals now what is not healthy; answers as Start does.
        method Heal(services: []string) -> (services: []Instance)

        # Act: does nothing to the services for so long; 1 s to 30 days, 1 h if not said.
        method Pause(services: []string, for_ms: ?int) -> (services: []Instance)

        # Act: looks after paused services again.
        method Resume(services: []string) -> (services: []Instance)

        # Act, because reasons are not for everyone: all probes look now; what takes 60 s is unknown.
        method Probe(service: string) -> (probes: []Look)

        # Act: tells people something, once: delivered, refused (never will be), failed, unknown.
        method Notify(route: string) -> (outcome: string, took_us: int, reason: ?string)

        # Act: reads the configuration again; names the services it was changed for.
        method Reload() -> (added: []string, changed: []string, removed: []string, deferred: ?bool)

        # Act: ends every service; the daemon stays.
        method StopAll() -> (services: []Instance)

        # Act, because what services write is not for everyone: where a service's log is.
        method LogPath(service: string) -> (path: string)

        # Read: the machine's generations, and how a rollback to each would go.
        method Generations() -> (generations: []Generation, running: ?System, booted: ?System)

        # To this generation, to the newest known good one, or to wherever the rule leads. There is
        # one of "to" and "refused".
        # Read: what a rollback would do. Nothing is done.
        method PlanRollback(to: ?int, known_good: ?bool) -> (
          from: ?System,
          to: ?System,
          # live, reboot
          mode: ?string,
          # previous-known-good, newest-known-good, previous-unproven, before, asked
          choice: ?string,
          degraded: bool,
          refused: ?Refusal,
          rejected: ?[]Rejected,
          # Absent: nobody can tell.
          restarts: ?[]string,
          not_undone: []string,
          risks: []string
        )

        # With "expected" only if the plan leads to that very path. Answers when it has begun, with
        # the number of the switch, or with why not.
        # Act: rolls back.
        method Rollback(to: ?int, known_good: ?bool, expected: ?string) -> (
          flight: ?int,
          refused: ?Refusal
        )

        # It runs, and becomes the boot default when the probes pass and, where a time is given (10 s
        # to 1 day), a human has confirmed it; otherwise the system before it runs again. Answers
        # when it has begun.
        # Act: puts one of a path and a generation on trial.
        method Switch(path: ?string, generation: ?int, confirm_within_ms: ?int) -> (
          flight: ?int,
          refused: ?Refusal
        )

        # Act: the trial may stay.
        method ConfirmSwitch() -> (flight: ?int, refused: ?Refusal)

        # Waits at most so long (up to 15 min, 5 min if not said) for the critical services to be
        # healthy. A failure is written down first: no boot of a system is failed twice.
        # Act: whether this boot may count as a good one.
        method BootCheck(wait_ms: ?int) -> (
          passed: bool,
          # Why it may, in one word.
          reason: ?string,
          text: string,
          system: ?string,
          generation: ?int,
          unhealthy: []string,
          waited_ms: int
        )

        # There is no service with this name.
        error NoSuchService (name: string)

        # The configuration is not usable; everything stays as it was.
        error InvalidConfiguration (errors: string)

        # Not in this state.
        error NotNow (reason: string)

        # So many clients are connected that this one was sent away.
        error TooManyClients ()

        """

    private static let varlink = """
        # What every Varlink service can be asked.
        interface org.varlink.service

        # Who is speaking, and which interfaces.
        method GetInfo() -> (
          vendor: string,
          product: string,
          version: string,
          url: string,
          interfaces: []string
        )

        # The text of an interface.
        method GetInterfaceDescription(interface: string) -> (description: string)

        # The interface is not spoken here.
        error InterfaceNotFound (interface: string)

        # The interface has no such method.
        error MethodNotFound (method: string)

        # The method is described but not there.
        error MethodNotImplemented (method: string)

        # A parameter is missing, unknown, or not what it should be.
        error InvalidParameter (parameter: string)

        # The caller may not do this.
        error PermissionDenied ()

        """
}

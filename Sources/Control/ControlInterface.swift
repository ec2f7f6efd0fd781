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
          # Absent when there is nothing to tell: the helper processes; that many services fail
          # together; that the machine as a whole is slow.
          workers: ?[]Worker,
          common_cause: ?CommonCause,
          stalled: ?bool
        )

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
          log: ?string
        )

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
        type Output (bytes: int, sha256: string)

        # What one look with a probe found: passed, failed, or unknown (nobody could look).
        type Look (instance: string, probe: string, outcome: string, took_us: int, reason: ?string)

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

        # Act: reads the configuration again; names the services it was changed for.
        method Reload() -> (added: []string, changed: []string, removed: []string, deferred: ?bool)

        # Act: ends every service; the daemon stays.
        method StopAll() -> (services: []Instance)

        # Act, because what services write is not for everyone: where a service's log is.
        method LogPath(service: string) -> (path: string)

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

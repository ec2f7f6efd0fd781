import Control

extension MetricsText {
    /// What is told where nobody answers.
    static var ofNobody: MetricsText {
        var metrics = MetricsText()
        metrics.addLife(false)
        return metrics
    }

    /// What `regen status` knows, as numbers.
    init(_ status: StatusReply) {
        addLife(true)
        add(status.daemon)
        add(status.services)
        addProbes(status.services)
    }

    private mutating func addLife(_ isAlive: Bool) {
        add("regen_up", .gauge, "Whether regend answers.", isAlive.metric)
    }

    private mutating func add(_ daemon: DaemonReport) {
        add(
            "regen_build_info", .gauge, "Always 1; the version of regend.",
            [Sample(labels: [("version", daemon.version)], value: 1)])
        add(
            "regen_start_time_seconds", .gauge, "When regend was started, in seconds since 1970.",
            Double(daemon.startedUnixMilliseconds) / 1000)
        add(
            "regen_ledger_sound", .gauge, "Whether records reach the disk.",
            (daemon.ledger.state == "sound").metric)
        add(
            "regen_machine_stalled", .gauge,
            "Whether the machine as a whole is too slow to be judged.",
            daemon.stalled.metric)
        add(
            "regen_common_cause_services", .gauge, "Services that fail together for one reason.",
            Double(daemon.commonCause?.count ?? 0))
        add(
            "regen_workers_down", .gauge, "Helper processes that are not ready.",
            Double(daemon.workers.count { $0.state != WorkerReport.ready }))
        add(
            "regen_worker_replacements_total", .counter, "Helper processes that were replaced.",
            Double(daemon.workers.reduce(0) { $0 + $1.restarts }))
        add(
            "regen_route_ready", .gauge, "Whether people can be told by this route.",
            daemon.routes.map {
                Sample(labels: [("route", $0.name)], value: ($0.state == RouteReport.ready).metric)
            })
        add(
            "regen_route_waiting", .gauge, "Notices that have not been told yet.",
            daemon.routes.map { Sample(labels: [("route", $0.name)], value: Double($0.waiting)) })
        if let watchdog = daemon.watchdog {
            add(
                "regen_watchdog_fed", .gauge, "Whether a hardware watchdog is held and fed.",
                (watchdog.state == WatchdogReport.feeding).metric)
        }
        if let boot = daemon.boot {
            add(
                "regen_boot_info", .gauge, "Always 1; how the boot before this one ended.",
                [Sample(labels: [("cause", boot.cause)], value: 1)])
        }
        if let safeSwitch = daemon.safeSwitch { add(safeSwitch) }
    }

    private mutating func add(_ safeSwitch: SwitchReport) {
        add(
            "regen_generation", .gauge, "The generation that runs.",
            safeSwitch.running?.generation.map { [Sample(value: Double($0))] } ?? [])
        add(
            "regen_known_good_generation", .gauge,
            "The generation that passed a whole probation last.",
            safeSwitch.knownGood?.generation.map { [Sample(value: Double($0))] } ?? [])
        add(
            "regen_probation", .gauge,
            "Whether failures are weighed against the generation that runs.",
            (safeSwitch.probationUntilUnixMilliseconds != nil).metric)
        add(
            "regen_switching", .gauge, "Whether Regen switches the system.",
            (safeSwitch.flight != nil).metric)
        add(
            "regen_degraded", .gauge,
            "Whether another kernel runs than that of the running system.",
            safeSwitch.isDegraded.metric)
        add(
            "regen_last_rollback_time_seconds", .gauge,
            "When the last automatic rollback began, in seconds since 1970.",
            safeSwitch.lastRollbackUnixMilliseconds.map { [Sample(value: Double($0) / 1000)] } ?? []
        )
    }

    private mutating func add(_ services: [InstanceReport]) {
        func each(_ value: (InstanceReport) -> Double?) -> [Sample] {
            services.compactMap { service in
                value(service).map { Sample(labels: service.labels, value: $0) }
            }
        }
        add("regen_service_wanted", .gauge, "Whether it should run.", each(\.wanted.metric))
        add(
            "regen_service_running", .gauge, "Whether it runs, and its probes have confirmed that.",
            each { ($0.phase == InstanceReport.running).metric })
        add(
            "regen_service_handed_over", .gauge, "Whether a human must look.",
            each { ($0.phase == InstanceReport.handedOver).metric })
        add(
            "regen_service_incident", .gauge, "Whether it has an open incident.",
            each { ($0.incident != nil).metric })
        add(
            "regen_service_paused", .gauge,
            "Whether nothing is done to it, because somebody asked for that.",
            each { ($0.pause != nil).metric })
        add(
            "regen_service_restarts_total", .counter, "Restarts since regend was started.",
            each { Double($0.restarts) })
        add(
            "regen_service_recent_crashes", .gauge, "Crashes within the crash loop's window.",
            each { Double($0.crashesInWindow) })
        add(
            "regen_service_uptime_seconds", .gauge, "For how long its process has been running.",
            each { $0.uptimeMilliseconds.map { Double($0) / 1000 } })
    }

    private mutating func addProbes(_ services: [InstanceReport]) {
        func each(_ value: (ProbeReport) -> Double?) -> [Sample] {
            services.flatMap { service in
                service.probes.enumerated().compactMap { place, probe in
                    // Two probes may have the same name, and no two samples the same labels.
                    let labels = service.labels + [("probe", probe.name), ("place", "\(place)")]
                    return value(probe).map { Sample(labels: labels, value: $0) }
                }
            }
        }
        add(
            "regen_probe_passing", .gauge, "Whether its last look passed.",
            each { probe in
                switch probe.outcome {
                case .passed: 1
                case .failed: 0
                case .never, .unknown: nil
                }
            })
        add(
            "regen_probe_strikes", .gauge, "Failed looks in a row that count.",
            each { Double($0.strikes) })
        add(
            "regen_probe_suspect", .gauge, "Whether it has never passed, and so causes nothing.",
            each(\.suspect.metric))
        add(
            "regen_probe_duration_seconds", .gauge, "How long its last look took.",
            each { $0.tookMicroseconds.map { Double($0) / 1_000_000 } })
    }
}

extension InstanceReport {
    /// Not `instance`, which Prometheus has a meaning for.
    fileprivate var labels: [(name: StaticString, value: String)] {
        [("service", service), ("name", name)]
    }
}

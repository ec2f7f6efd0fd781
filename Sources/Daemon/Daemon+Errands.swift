import Configuration
import Control
import Ledger
import Linux
import Records
import SafeSwitch
import Supervision
import Systemd

/// Children that do for the daemon what could make the loop wait: reading a file that an operator
/// names, copying a log, asking systemd.
extension Daemon {
    /// How long an errand may take.
    static let errandPatience: Int64 = 30_000_000_000
    /// The same for the question whether the machine shuts down: an answer is wanted soon.
    static let questionPatience: Int64 = 2_000_000_000

    // MARK: - Reload

    /// Reads the configuration again, in a child; a second wish during the first is done after it.
    func reload() {
        guard state == .ready else { return }
        if errands.contains(where: { $0?.purpose == .reload }) {
            wantsReload = true
            return
        }
        manager?.reloading(monotonic: Clock.monotonic())
        let regen = Self.siblingProgram("regen")
        run([regen, "check", "--canonical", options.configurationFile], for: .reload)
    }

    /// Somebody wants the configuration read again. While a switch of ours is under way the probes
    /// of before stay in force, and it is read afterwards.
    func reloadAsked() {
        guard keepsConfiguration, state == .ready else { return reload() }
        deferReload()
    }

    /// Whether a switch of ours is under way whose probes are to stay. Not those of a trial that only
    /// waits to be confirmed: that may be for a day, and it was read when the trial came into force.
    private var keepsConfiguration: Bool {
        guard let id = switching.flight else { return false }
        guard let flight = switching.story.flight(id), case .trial = flight.purpose else {
            return true
        }
        return flight.step != .confirm
    }

    private func deferReload() {
        switching.owesReload = true
        // At once: switch-to-configuration itself may be who waits.
        var reply = ReloadReply(added: [], changed: [], removed: [])
        reply.isDeferred = true
        for call in reloadWaiters {
            server.reply(to: call, at: now.boot) { reply.write(into: &$0) }
        }
        reloadWaiters = []
    }

    private func reloadEnded(_ output: [UInt8], _ status: WaitStatus?) {
        // Another one that was wished for meanwhile begins within this.
        manager?.ready()
        if keepsConfiguration, !switching.wantsReload { return deferReload() }
        switching.wantsReload = false
        let callers = reloadWaiters
        reloadWaiters = []
        do throws(Refusal) {
            let changes = try apply(try configuration(from: output, status))
            hasRefused = false
            for call in callers {
                server.reply(to: call, at: now.boot) { changes.write(into: &$0) }
            }
        } catch { refuse(error, callers) }
        if wantsReload {
            wantsReload = false
            reload()
        }
    }

    private func refuse(_ refusal: Refusal, _ callers: [Call.ID]) {
        hasRefused = true
        narrator.say(
            .error, "the configuration is refused, the old one stays in force:",
            event: "config.refuse")
        for line in refusal.text.split(separator: "\n").prefix(20) {
            narrator.say(.error, String(line))
        }
        write(
            .configurationRefused(
                file: options.configurationFile,
                errors: refusal.text.split(separator: "\n").count))
        for call in callers {
            server.fail(call, with: .invalidConfiguration(errors: refusal.text), at: now.boot)
        }
    }

    /// Why a configuration does not come into force.
    struct Refusal: Error {
        let text: String
    }

    private func configuration(
        from output: [UInt8], _ status: WaitStatus?
    ) throws(Refusal) -> Configuration {
        guard status == .exited(0) else {
            let text = String(decoding: output.prefix(16 << 10), as: UTF8.self)
            throw Refusal(text: text.isEmpty ? "regen check did not answer" : text)
        }
        do throws(TrustedPath.Defect) {
            if ProcessTable.effectiveUser == 0 {
                try TrustedPath.check(options.configurationFile)
            }
        } catch { throw Refusal(text: "\(error)") }
        do throws(ConfigurationErrors) {
            return try Configuration(canonical: output)
        } catch { throw Refusal(text: "\(error)") }
    }

    // MARK: - Logs

    func rotate(_ place: Int, _ path: String) {
        // A path that the configuration names is touched as the service's user; our own as ourselves.
        let isOurs = place == LogWatch.switchPlace || forge.owns(path)
        guard isOurs || hands[place] != nil else { return }
        let owner = isOurs ? nil : hands[place]
        run(
            [Self.siblingProgram("regend"), "--copy-aside", path], for: .rotation(place), as: owner)
    }

    private func rotationEnded(_ place: Int, _ output: [UInt8], _ status: WaitStatus?) {
        guard let log = log(at: place) else { return }
        let text = String(decoding: output.prefix(4096), as: UTF8.self)
        if status == .exited(0), let bytes = Int64(text.filter(\.isNumber)) {
            // The record is one of services.
            if place != LogWatch.switchPlace {
                write(.logRotated(InstanceID(place), bytes: bytes))
            }
        } else {
            narrator.say(.warning, "cannot cut \(log.path): \(text)")
        }
        logWatch?.arm(place, log.path, at: now.boot)
    }

    // MARK: - The end of the machine

    func askWhetherMachineStops() {
        run(["systemctl", "is-system-running"], for: .machineStops)
    }

    private func machineStopsEnded(_ output: [UInt8]) {
        let stops = output.starts(with: "stopping".utf8)
        endsWithMachine = stops
        narrator.say(
            .info, stops ? "the machine shuts down" : "services stay for the next regend")
        tell(.endAsked(stopping: stops))
    }

    // MARK: - All errands

    /// Starts a child that does it, and reads `input` where there is one.
    func run(
        _ command: [String], for purpose: Errand.Purpose, as hand: Hand? = nil,
        reading input: Int32? = nil, until deadline: Int64? = nil
    ) {
        var ingredients = SpawnPlan.Ingredients(
            command: command, environment: ["PATH=\(Forge.path)", "NO_COLOR=1"])
        if let hand, hand.identity != nil {
            // Without the account it would be done as root, in a directory of somebody else's.
            guard let account = hand.account else {
                return done(purpose, output: Array("no such user".utf8), status: nil)
            }
            ingredients.account = account
        }
        ingredients.limits = [forge.openFiles]
        let patience =
            purpose == .machineStops ? Self.questionPatience : Self.errandPatience
        do {
            let output = try AnonymousFile(named: "regen-errand")
            let child = try SpawnPlan(ingredients, null: input ?? null.raw)
                .spawn(attempt: 0, output: output.raw, by: spawner)
            try follow(
                Errand(
                    purpose, child, output: output, deadline: deadline ?? now.boot + patience))
        } catch {
            narrator.say(.error, "cannot run \(command[0]): \(error)")
            done(purpose, output: [], status: nil)
        }
    }

    /// Waits for an errand's end.
    func follow(_ errand: Errand) throws(SystemError) {
        let index = errands.firstIndex { $0 == nil } ?? errands.count
        if index == errands.count { errands.append(nil) }
        errand.token = try poller.add(
            errand.pidfd.raw, for: .readable, as: Source.errand(index).name)
        errands[index] = errand
    }

    func errandEnded(_ index: Int) {
        guard let status = errands[index]?.pidfd.reap() else { return }
        errandEnded(index, status)
    }

    func errandEnded(_ index: Int, _ status: WaitStatus) {
        guard let errand = errands[index] else { return }
        if let token = errand.token { poller.remove(token, errand.pidfd.raw) }
        errands[index] = nil
        let output = errand.contents
        // What is waited for with a bound was answered when it was late.
        if errand.isLate, errand.purpose.isDeed != nil { return beginOrders() }
        done(errand.purpose, output: output, status: errand.isLate ? nil : status)
    }

    private func done(_ purpose: Errand.Purpose, output: [UInt8], status: WaitStatus?) {
        switch purpose {
        case .reload: reloadEnded(output, status)
        case .rotation(let place): rotationEnded(place, output, status)
        case .machineStops: machineStopsEnded(output)
        case .step(let pid): stepEnded(pid, status)
        case .survey, .deed: orderEnded(purpose, output, status)
        }
    }

    /// Ends what has not ended itself in time. Its end is seen like any other.
    func endLateErrands() {
        for errand in errands {
            guard let errand, errand.deadline <= now.boot else { continue }
            errand.isLate = true
            errand.deadline = now.boot + Self.errandPatience
            Signal.send(Signal.kill, to: -errand.pid)
            if errand.purpose.isDeed != nil { orderEnded(errand.purpose, [], nil) }
        }
    }

    /// A program of the same installation.
    static func siblingProgram(_ name: String) -> String {
        let own = (try? executablePath()) ?? "/usr/bin/regend"
        return own[...own.lastIndex(of: "/")!] + name
    }
}

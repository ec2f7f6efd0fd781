import Configuration
import Control
import JSON
import Ledger
import Linux
import Records
import SafeSwitch
import Supervision
import Worker

/// People are told: never in the way of a restart, bounded, tried again, and written down.
extension Daemon {
    // MARK: - Routes

    /// Routes come into force. Their secrets are read now, and not before the next reload again.
    /// What waits for a route of the same name goes on waiting.
    func open(_ configured: [NoticeRoute]) {
        let routes = configured.map { opened($0) }
        for old in notices.routes {
            let heir = routes.first { $0.name == old.name }
            if heir?.hasSecrets(of: old) != true { endNotifier(of: old) }
            if let heir {
                heir.takeOver(old)
            } else if old.backlog.count > 0 {
                write(.noticesDropped(route: old.name, count: old.backlog.count))
            }
        }
        notices.routes = routes
        notices.due = now.boot
        if !routes.isEmpty { findNotifier() }
    }

    private func opened(_ configured: NoticeRoute) -> Notices.Route {
        let route = Notices.Route(configured)
        do { try route.keep(Self.open(configured)) } catch {
            route.obstacle = "\(error)"
            write(.routeRefused(route: configured.name, reason: "\(error)"))
        }
        return route
    }

    private static func open(_ route: NoticeRoute) throws(SecretFile.Defect) -> OpenRoute {
        switch route.way {
        case .webhook(let webhook): try open(webhook, of: route)
        case .mail(let mail):
            OpenRoute(name: route.name, mail, password: try secret(mail.passwordFile))
        }
    }

    private static func open(
        _ webhook: Webhook, of route: NoticeRoute
    ) throws(SecretFile.Defect) -> OpenRoute {
        let url: String
        switch webhook.address {
        case .url(let plain): url = plain
        case .file(let path):
            url = try SecretFile.line(at: path, limit: OpenRoute.longestSecret)
            guard Webhook.isURL(url) else {
                throw SecretFile.Defect(
                    description: "\(path) does not hold a URL with https:// or http:// "
                        + "(a user and password go into authorization_file)")
            }
        }
        return OpenRoute(
            name: route.name, webhook, url: url,
            authorization: try secret(webhook.authorizationFile))
    }

    private static func secret(_ path: String?) throws(SecretFile.Defect) -> String? {
        guard let path else { return nil }
        return try SecretFile.line(at: path, limit: OpenRoute.longestSecret)
    }

    /// A worker knows the route that it was started with: for another there is another one.
    private func endNotifier(of route: Notices.Route) {
        guard let index = workers.index(.notifier, key: route.name) else { return }
        let why = "its route has changed"
        lose(index, why, .fault(why))
        workers.slots[index] = nil
    }

    /// A user without rights for the workers that know the secrets.
    private func findNotifier() {
        guard ProcessTable.effectiveUser == 0, notices.account == nil else { return }
        notices.account = try? Account.named("regen-notify", group: nil, groups: [])
        if notices.account != nil { return }
        narrator.say(
            .warning,
            "there is no user 'regen-notify'; people are told by 'nobody' "
                + "(make one: useradd --system regen-notify)")
        notices.account = try? Account.named("nobody", group: nil, groups: [])
    }

    // MARK: - What is told

    /// What is about to be written down may be of interest to people.
    func tellPeople() {
        guard !notices.routes.isEmpty else { return }
        for (entry, stamp) in chronicle.pending {
            guard let news = news(of: entry) else { continue }
            notices.add(news, wall: stamp.wall, boot: now.boot)
        }
    }

    private func news(of entry: Entry) -> News? {
        switch entry {
        case .mind(let record): news(of: record)
        case .switching(let record): news(of: record)
        case .booted(let report): News(report)
        case .bootChecked(let facts, .failed, _): News(failed: facts)
        default: nil
        }
    }

    private func news(of record: SwitchRecord) -> News? {
        guard let news = News(record, flight: switching.story.flight) else { return nil }
        guard case .planned = record else { return news }
        // Looked into first by itself and then for a crash loop, an incident has the same plan twice.
        if notices.plan?.incident == news.incident, notices.plan?.text == news.text { return nil }
        notices.plan = (news.incident, news.text)
        return news
    }

    private func news(of record: Supervision.Record) -> News? {
        guard var news = News(record, name: { self.hands[$0.index]?.facts.name ?? "?" })
        else { return nil }
        switch record {
        case .commonCauseBegan: notices.commonCauseNeedsHuman = false
        case .commonCauseHandedOver: notices.commonCauseNeedsHuman = true
        case .commonCauseEnded where notices.commonCauseNeedsHuman:
            // Who was told that it needs him is told that it does not any more.
            news.occasions.append(.commonCauseHandedOver)
        default: break
        }
        return news
    }

    private func tellPeople(_ news: News) { notices.add(news, wall: now.wall, boot: now.boot) }

    /// Nobody knows whether an earlier daemon has told of these.
    func tellOfOpenHandovers() {
        guard !notices.routes.isEmpty else { return }
        for id in mind.all where mind.status(id, at: instant).isHandedOver {
            let name = mind.definition(id).name
            tellPeople(
                News(
                    .handedOver, .critical, service: name,
                    "\(name): still needs a human; see: regen status \(name)"))
        }
    }

    /// So many faults of a worker in a row are more than an accident.
    static let mostAccidents = 3

    /// A worker has failed once more.
    func tellOfFault(_ slot: WorkerSlot) {
        // Whoever tells cannot tell that he cannot.
        guard slot.faults == Self.mostAccidents, slot.role != .notifier else { return }
        let name = "the worker '\(slot.role.rawValue)'"
        let why = slot.reason ?? "?"
        tellPeople(
            News(
                .workerFailed, .critical,
                "\(name) fails again and again (\(why)); what it looks at is not looked at"))
    }

    /// The ledger's writer says that something has changed.
    func ledgerChanged() {
        let before = chronicle.trouble
        chronicle.takeNotice(&narrator)
        guard chronicle.trouble != before else { return }
        if let trouble = chronicle.trouble {
            tellPeople(
                News(
                    .ledgerDegraded, .critical,
                    "the ledger is degraded: \(trouble); services go on being healed"))
        } else {
            var news = News(.ledgerDegraded, .info, "the ledger is sound again")
            news.event = "ledger.sound"
            tellPeople(news)
        }
    }

    // MARK: - Telling

    /// Once in a turn.
    func keepNotices() {
        guard let due = notices.due, due <= now.boot else { return }
        for route in notices.routes {
            for item in route.backlog.expire(at: now.boot) {
                giveUp(item, route, route.obstacle ?? route.complaint ?? "nobody had time")
            }
            if route.dropped > 0, route.quietUntil <= now.boot {
                write(.noticesDropped(route: route.name, count: route.dropped))
                route.dropped = 0
                route.quietUntil = now.boot + Notices.dropPause
            }
            guard route.obstacle == nil, !route.isTried,
                let next = route.backlog.take(at: now.boot)
            else { continue }
            deliver(next, over: route)
            // A worker may have been made for it.
            if !hasTime { break }
        }
        notices.due = notices.routes.compactMap(\.due).min()
    }

    private func deliver(_ announcement: Announcement, over route: Notices.Route) {
        do throws(Fault) {
            try send(announcement, over: route, for: .notice(route: route.name))
        } catch {
            told(route.name, DeliveryAnswer(serial: 0, outcome: .unknown, reason: error.text))
        }
    }

    private func send(
        _ announcement: Announcement, over route: Notices.Route, for purpose: Look.Purpose
    ) throws(Fault) {
        let (index, process) = try notifier(of: route)
        let serial = note(
            purpose, by: index, deadline: now.boot + route.patience + Self.networkSlack)
        process.ask {
            Delivery(serial: serial, route: route.name, announcement).write(into: &$0)
        }
        workers.dirty.insert(index)
    }

    /// Each route has its own: libcurl waits for a mail server while nothing else of its process runs.
    private func notifier(of route: Notices.Route) throws(Fault) -> (Int, WorkerProcess) {
        let index =
            workers.index(.notifier, key: route.name)
            ?? workers.add(WorkerSlot(.notifier, notices.account, key: route.name))
        let slot = workers.slots[index]!
        guard !workers.looks.values.contains(where: { $0.worker == index }) else {
            throw Fault(text: "another notice is still under way")
        }
        if let process = slot.process { return (index, process) }
        return (index, try start(index, slot))
    }

    /// What came of an attempt.
    func told(_ name: String, _ finding: Finding) { told(name, Self.answer(finding)) }

    private func told(_ name: String, _ answer: DeliveryAnswer) {
        guard let route = notices.route(name) else { return }
        let end = route.backlog.settle(answer, at: now.boot)
        route.complaint = answer.outcome == .delivered ? nil : answer.reason
        switch end {
        case .delivered(let item):
            route.delivered = now.wall
            write(
                .noticeDelivered(
                    route: name, ToldNotice(item.announcement), attempts: item.attempts,
                    reason: answer.reason))
        case .givenUp(let item): giveUp(item, route, answer.reason)
        case .postponed(isNew: true): write(.routeFailed(route: name, reason: answer.reason))
        case .postponed, nil: break
        }
        notices.due = now.boot
    }

    /// How a route stands, for status.
    func routeReport(_ route: Notices.Route) -> RouteReport {
        var report = RouteReport(
            name: route.name, state: RouteReport.ready, waiting: Int64(route.backlog.count),
            deliveredUnixMilliseconds: route.delivered.map { $0 / 1_000_000 })
        if let obstacle = route.obstacle {
            report.state = "unusable"
            report.reason = obstacle
        } else if let since = route.backlog.failingSince {
            report.state = "failing"
            report.failingSinceUnixMilliseconds = (now.wall + since - now.boot) / 1_000_000
            report.reason = route.complaint
        }
        return report
    }

    /// Nobody knows what a worker that was lost has told.
    private static func answer(_ finding: Finding) -> DeliveryAnswer {
        var lost = DeliveryAnswer(serial: 0, outcome: .unknown)
        lost.mayBeTold = true
        switch finding {
        case .delivery(let answer): return answer
        case .fault(let reason): lost.reason = reason
        case .late, .answer, .remedy, .survey: lost.reason = "the worker mixed up its answers"
        }
        return lost
    }

    // MARK: - Trials

    /// An operator wants to see whether a route works: one attempt, now, beside what waits.
    func tryRoute(_ call: Call, _ name: String) {
        guard let route = notices.route(name) else {
            let known = notices.routes.map(\.name).joined(separator: ", ")
            return server.fail(
                call.id,
                with: .notNow(
                    reason: "there is no route '\(name)'; "
                        + (known.isEmpty ? "none is configured" : "there are: \(known)")),
                at: now.boot)
        }
        write(.asked(method: "Notify", services: [], uid: call.peer.uid, pid: call.peer.pid))
        do throws(Fault) {
            if let obstacle = route.obstacle { throw Fault(text: obstacle) }
            var news = News(.opened, .info, "a test, by hand: regen can tell you")
            news.event = "test"
            try send(
                notices.announcement(news, wall: now.wall), over: route,
                for: .trial(call.id, route: name))
            route.isTried = true
        } catch { tried(call.id, .fault(error.text)) }
    }

    /// What came of it; what waited while `name` was tried is told now.
    func tried(_ call: Call.ID, over name: String, _ finding: Finding) {
        notices.route(name)?.isTried = false
        notices.due = now.boot
        tried(call, finding)
    }

    private func tried(_ call: Call.ID, _ finding: Finding) {
        let answer = Self.answer(finding)
        let reply = NotifyReply(
            outcome: answer.outcome.rawValue, tookMicroseconds: answer.microseconds,
            reason: answer.reason.isEmpty ? nil : answer.reason)
        server.reply(to: call, at: now.boot) { reply.write(into: &$0) }
    }

    private func giveUp(_ item: Backlog.Item, _ route: Notices.Route, _ reason: String) {
        write(
            .noticeGivenUp(
                route: route.name, ToldNotice(item.announcement), attempts: item.attempts,
                reason: reason))
    }
}

extension ToldNotice {
    fileprivate init(_ announcement: Announcement) {
        self.init(
            id: announcement.id, event: announcement.event, instance: announcement.service)
    }
}

extension Notices.Route {
    /// Goes on where the route of an older configuration leaves off, and tries at once.
    fileprivate func takeOver(_ old: Notices.Route) {
        backlog = old.backlog
        backlog.retryNow()
        isTried = old.isTried
        complaint = old.complaint
        delivered = old.delivered
        dropped = old.dropped
        quietUntil = old.quietUntil
    }
}

import Control
import Foundation
import JSON
import Linux
import Synchronization

/// A control socket behind which a closure answers; it lives on a thread of its own.
final class FakeDaemon: Sendable {
    /// What it does with a call.
    enum Answer {
        case reply((inout JSONWriter) -> Void)
        case failure(ControlError)
    }

    let directory: String
    private let isEnding = Atomic(false)
    private let ended = DispatchSemaphore(value: 0)

    init(_ answer: @escaping @Sendable (ControlRequest) -> Answer) throws {
        let home = try Folder()
        directory = home.url.path
        let server = try ControlServer(
            path: "\(directory)/\(ControlClient.socketName)", group: "no-such-group", version: "7")
        nonisolated(unsafe) let owned = (home, server)
        Thread.detachNewThread { [self] in
            defer { ended.signal() }
            withExtendedLifetime(owned.0) { serve(owned.1, answer) }
        }
    }

    func end() {
        isEnding.store(true, ordering: .relaxed)
        ended.wait()
    }

    private func serve(_ server: ControlServer, _ answer: (ControlRequest) -> Answer) {
        var descriptors: [(source: ControlSource, entry: pollfd)] = []
        while !isEnding.load(ordering: .relaxed) {
            server.drainPollChanges { change in
                switch change {
                case .add(let source, let descriptor, let readiness),
                    .modify(let source, let descriptor, let readiness):
                    descriptors.removeAll { $0.source == source }
                    let events = Int16(readiness.rawValue)
                    descriptors.append(
                        (source, pollfd(fd: descriptor, events: events, revents: 0)))
                case .remove(let source, _): descriptors.removeAll { $0.source == source }
                }
            }
            var entries = descriptors.map(\.entry)
            poll(&entries, UInt(entries.count), 10)
            for (index, entry) in entries.enumerated() where entry.revents != 0 {
                let readiness = Readiness(rawValue: UInt32(UInt16(bitPattern: entry.revents)))
                server.ready(descriptors[index].source, for: readiness, at: 0)
            }
            while let call = server.nextCall(at: 0) {
                switch answer(call.request) {
                case .reply(let write): server.reply(to: call.id, at: 0, write)
                case .failure(let error): server.fail(call.id, with: error, at: 0)
                }
            }
        }
    }
}

/// Runs `regen` with these arguments against a daemon that answers so.
func regen(
    _ arguments: String...,
    answering answer: @escaping @Sendable (ControlRequest) -> FakeDaemon.Answer
) throws -> Outcome {
    let daemon = try FakeDaemon(answer)
    defer { daemon.end() }
    return try run(
        arguments, environment: ["REGEN_RUNTIME_DIRECTORY": daemon.directory])
}

extension FakeDaemon.Answer {
    /// The daemon and these instances.
    static func status(
        _ services: [InstanceReport], ledger: LedgerCondition = .sound,
        _ change: (inout DaemonReport) -> Void = { _ in }
    ) -> Self {
        var daemon = DaemonReport(
            pid: 4711, version: "7", stateDirectory: "/var/lib/regen",
            runtimeDirectory: "/run/regen", configFile: "/etc/regen.yaml",
            startedUnixMilliseconds: Int64(Date().timeIntervalSince1970 * 1000) - 7_500_000,
            state: "ready", ledger: ledger, cgroup: nil,
            services: ServiceCounts(total: 0, running: 0, handedOver: 0))
        change(&daemon)
        return .reply(StatusReply(daemon: daemon, services: services).write)
    }

    /// These instances.
    static func services(_ services: InstanceReport...) -> Self {
        .reply(ServicesReply(services: services).write)
    }
}

extension LedgerCondition {
    static let sound = LedgerCondition(state: "sound", records: 1024)
}

extension InstanceReport {
    /// A service in a phase; it should run unless told otherwise.
    static func service(
        _ name: String, _ phase: String, wanted: Bool = true,
        _ change: (inout InstanceReport) -> Void = { _ in }
    ) -> InstanceReport {
        var report = InstanceReport(name: name, service: name, phase: phase, wanted: wanted)
        change(&report)
        return report
    }
}

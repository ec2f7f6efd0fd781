import Linux
import Supervision
import Worker

/// Who listens at a port.
struct PortSearch {
    /// The service that is asked about.
    let tree: ServiceTree
    private let network: Int32?
    private let members: Subject.Members

    init(_ subject: Subject) {
        tree = ServiceTree(of: subject)
        network = tree.main
        members = subject.members
    }

    /// The processes that hold the sockets there, each with each socket. A socket whose holder nobody
    /// can see is there without a process.
    func holders(of port: UInt16) throws(SystemError) -> [PortHolder] {
        let sockets = try ListeningSocket.at(port, networkOf: network)
        guard !sockets.isEmpty else { return [] }
        var users: [UInt64: UInt32] = [:]
        for socket in sockets { users[socket.inode] = socket.user }
        let inodes = Set(sockets.map(\.inode))
        var held: [(pid: Int32, inode: UInt64)] = []
        func look(_ pid: Int32) {
            for inode in ProcessTable.sockets(of: pid, among: inodes) ?? [] {
                held.append((pid, inode))
            }
        }
        tree.processes.sorted().forEach(look)
        // In the good case the whole machine need not be searched: this very service has them all.
        if Set(held.map(\.inode)) != inodes {
            ProcessTable.pids().filter { !tree.processes.contains($0) }.forEach(look)
        }
        let visible = Set(held.map(\.inode))
        var holders = held.map { holder($0.pid, port, users[$0.inode] ?? 0) }
        for socket in sockets where !visible.contains(socket.inode) {
            holders.append(
                PortHolder(
                    port: port, process: nil, name: "", unit: "", user: socket.user, isOwn: false))
        }
        return holders
    }

    private func holder(_ pid: Int32, _ port: UInt16, _ user: UInt32) -> PortHolder {
        let entry = ProcessTable.entry(pid)
        // Without a cgroup, an orphan is known by the session that the main process leads.
        let isOfItsSession =
            members == .descent && tree.main != nil && entry?.session == tree.main
        let isOwn = tree.processes.contains(pid) || isOfItsSession
        return PortHolder(
            port: port,
            process: entry.map { ProcessIdentity(pid: pid, startTicks: $0.startTicks) },
            name: ProcessTable.name(of: pid),
            unit: unit(ofCgroup: ProcessTable.text("/proc/\(pid)/cgroup") ?? ""), user: user,
            isOwn: isOwn)
    }
}

/// The unit that a process is in, as /proc/PID/cgroup tells it: the innermost service or scope, else
/// the last part of the path.
public func unit(ofCgroup text: String) -> String {
    var best = ""
    for line in text.split(separator: "\n") {
        guard line.hasPrefix("0::") || line.contains(":name=systemd:"),
            let path = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
                .last
        else { continue }
        let parts = path.split(separator: "/")
        let unit = parts.last { $0.hasSuffix(".service") || $0.hasSuffix(".scope") }
        if let unit { return String(unit) }
        if best.isEmpty, let last = parts.last { best = String(last) }
    }
    return best
}

extension Looker {
    /// This very service, and nobody else, listens there.
    static func lookForListener(_ port: UInt16, _ request: LookRequest) -> Finding {
        let search = PortSearch(request.subject)
        guard !search.tree.processes.isEmpty else {
            return .unknown("Regen knows no process of this service")
        }
        if search.tree.isCut {
            return .unknown("more than \(ServiceTree.mostProcesses) processes are not looked at")
        }
        do throws(SystemError) {
            let holders = try search.holders(of: port)
            if holders.isEmpty { return .failed("nobody listens at port \(port)") }
            let foreign = holders.filter { !$0.isOwn }
            if foreign.isEmpty { return .passed }
            return .failed("port \(port) is held by \(list(foreign))")
        } catch { return .unknown("\(error)") }
    }

    /// Frees ports from stale processes of the same service, and touches nobody else's.
    static func freePorts(
        _ ports: [UInt16], earlier: [ProcessIdentity], leftIn cgroup: String?,
        _ request: LookRequest
    ) -> Deed {
        let claim = Claim(earlier: earlier, cgroup: cgroup)
        // What runs now is no leftover, even where it is in the cgroup.
        let search = PortSearch(
            cgroup == nil ? request.subject : Subject(main: request.subject.main))
        var ended: [PortHolder] = []
        do throws(SystemError) {
            // A process that held the port behind another one is seen when that is gone.
            for _ in 0..<mostRounds {
                var holders: [PortHolder] = []
                for port in ports.prefix(LookRequest.mostPorts) {
                    holders += try search.holders(of: port).filter { !$0.isOwn }
                }
                let stale = holders.filter { $0.process.map(claim.covers) ?? false }
                if stale.isEmpty { return freed(ended, holders) }
                for holder in stale where try end(holder.process!, claim) { ended.append(holder) }
            }
            return Deed(.failed, "\(list(ended)) ended, and others of its kind take its place")
        } catch { return Deed(.failed, "\(error)") }
    }

    private static let mostRounds = 8

    private static func freed(_ ended: [PortHolder], _ strangers: [PortHolder]) -> Deed {
        let done = ended.isEmpty ? "" : "ended the stale \(list(ended)); "
        if !strangers.isEmpty {
            let ports = Set(strangers.map(\.port)).sorted().map { "\($0)" }
            return Deed(
                .refused,
                done + "port \(ports.joined(separator: ", ")) is held by \(list(strangers)),"
                    + " which is not known to be this service's: end it, or give one of the two"
                    + " another port")
        }
        return ended.isEmpty
            ? Deed(.notNeeded, "nobody holds its ports")
            : Deed(.applied, done + "its ports are free")
    }

    /// Ends a stale process: SIGTERM, and SIGKILL when that does not help. False: it was not what it
    /// had been taken for, or had ended by itself.
    private static func end(
        _ process: ProcessIdentity, _ claim: Claim
    ) throws(SystemError) -> Bool {
        do throws(SystemError) {
            let pidfd = try PidFD(opening: process.pid)
            // Only now is it sure that the number stays this process's.
            guard isAlive(process), claim.covers(process) else { return false }
            try pidfd.signal(terminateSignal)
            try pidfd.signal(continueSignal)
            if try pidfd.hasEnded(within: grace) { return true }
            try pidfd.signal(killSignal)
            if try pidfd.hasEnded(within: grace) { return true }
        } catch {
            if error.code == SystemError.noProcess { return false }
            throw error
        }
        throw SystemError(
            SystemError.timedOut, "end process \(process.pid), which SIGKILL does not")
    }

    /// For SIGTERM, and again for SIGKILL.
    private static let grace: Int32 = 2000
    private static let terminateSignal: Int32 = 15
    private static let continueSignal: Int32 = 18
    private static let killSignal: Int32 = 9

    /// `nginx (pid 812, unit nginx.service), …`
    static func list(_ holders: [PortHolder]) -> String {
        var told: [String] = []
        for holder in holders where !told.contains(holder.description) {
            told.append(holder.description)
        }
        let rest = told.count - mostTold
        return told.prefix(mostTold).joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : "")
    }

    private static let mostTold = 4
}

/// By what a process is known to be a leftover of the service. The same user, the same program or our
/// mark in its environment never do: anybody can have those.
private struct Claim {
    private let earlier: [ProcessIdentity]
    private let cgroup: String?

    /// A cgroup that we are in ourselves is not one service's own, whoever says so.
    init(earlier: [ProcessIdentity], cgroup: String?) {
        self.earlier = earlier
        let ours = Cgroup.paths(of: ProcessTable.own)
        self.cgroup = cgroup.flatMap { path in
            ours.isEmpty || ours.contains { isWithin($0, path) } ? nil : path
        }
    }

    func covers(_ process: ProcessIdentity) -> Bool {
        guard isAlive(process) else { return false }
        if earlier.contains(process) { return true }
        guard let cgroup else { return false }
        return Cgroup.paths(of: process.pid).contains { isWithin($0, cgroup) }
    }
}

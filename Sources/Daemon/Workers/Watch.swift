import Configuration
import Control
import Linux
import Probing
import Supervision
import Worker

/// What the daemon knows of one instance's health, beside what the mind decides.
final class Watch {
    /// What is looked at, in the order of the configuration.
    let probes: [Probe]
    let remedies: [Remedy]
    /// Names for people and records.
    let names: [String]
    /// What the last look of each probe found.
    var sightings: [Sighting]
    /// What the service itself says.
    var notice = Notice()
    /// Earlier processes of this instance, the latest last.
    private(set) var earlier: [ProcessIdentity] = []
    /// Evidence for the last incident.
    var diagnosis: DiagnosisReport?
    /// The end of the log at that time.
    var lastOutput: OutputReport?
    /// The remedy that is being tried, for people.
    var remedy: String?
    /// What the last remedy did or found.
    var remedyReason = ""

    init(_ service: ServiceConfiguration) {
        probes = service.probes
        remedies = service.remedies
        names = service.probes.map(\.name)
        sightings = Array(repeating: Sighting(), count: service.probes.count)
    }

    /// What a look found.
    struct Sighting {
        var outcome = ProbeReport.Outcome.never
        var reason = ""
        var at: Int64 = 0
        var microseconds: Int64 = 0
        var trend = Trend()
    }

    /// So many earlier processes are kept in mind.
    static let mostEarlier = LookRequest.mostEarlier

    func remember(_ process: ProcessIdentity) {
        earlier.append(process)
        if earlier.count > Self.mostEarlier { earlier.removeFirst() }
    }

    /// Goes on where the watch of an older configuration leaves off.
    func takeOver(_ old: Watch) {
        notice = old.notice
        earlier = old.earlier
        diagnosis = old.diagnosis
        lastOutput = old.lastOutput
        for (i, probe) in probes.enumerated() {
            if let j = old.probes.firstIndex(where: { $0.kind == probe.kind }) {
                sightings[i] = old.sightings[j]
            }
        }
    }

    /// The ports at which the service should listen, as its probes say.
    var ports: [UInt16] {
        var ports: [UInt16] = []
        for probe in probes {
            guard let port = probe.kind.localPort, !ports.contains(port) else { continue }
            ports.append(port)
        }
        return Array(ports.prefix(LookRequest.mostPorts))
    }

    /// Why the last look of a probe failed.
    func complaint(_ probe: Int) -> String? {
        guard sightings.indices.contains(probe), sightings[probe].outcome == .failed else {
            return nil
        }
        return "\(names[probe]): \(sightings[probe].reason)"
    }

    /// Why the first that failed did.
    var firstComplaint: String {
        sightings.indices.lazy.compactMap { self.complaint($0) }.first ?? "no probe has passed"
    }

    /// The files that its remedies declare.
    var environmentFiles: [EnvironmentFile] {
        remedies.flatMap { remedy in
            if case .environment(let files) = remedy { files } else { [EnvironmentFile]() }
        }
    }
}

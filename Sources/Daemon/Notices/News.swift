import Configuration
import Records
import Supervision
import Worker

/// Something that people may want to know, before it is a notice.
struct News {
    /// Any of these has a route tell it.
    var occasions: [NoticeRoute.Occasion]
    var event: String
    var severity: Announcement.Severity
    var service: String?
    var incident: Int?
    var text: String

    init(
        _ occasion: NoticeRoute.Occasion, _ severity: Announcement.Severity,
        service: String? = nil, incident: Int? = nil, _ text: String
    ) {
        occasions = [occasion]
        event = occasion.rawValue
        self.severity = severity
        self.service = service
        self.incident = incident
        self.text = text
    }

    func isFor(_ wanted: [NoticeRoute.Occasion]) -> Bool {
        occasions.contains { wanted.contains($0) }
    }

    /// What a record means for people; `nil`: nothing. `name` tells an instance's name.
    init?(_ record: Supervision.Record, name: (InstanceID) -> String) {
        switch record {
        case .incidentOpened(let id, let incident, let kind, _):
            let name = name(id)
            self.init(
                .opened, .warning, service: name, incident: incident,
                "\(name): failed (incident \(incident), \(kind.rawValue))")
        case .incidentResolved(let id, let incident, let healing):
            let name = name(id)
            self.init(
                .resolved, .info, service: name, incident: incident,
                "\(name): healthy again after \(healing.words) (incident \(incident))")
        case .incidentHandedOver(let id, let incident, let reason):
            // Whoever did it knows.
            guard reason != .operatorStopped, reason != .removed else { return nil }
            let name = name(id)
            self.init(
                .handedOver, .critical, service: name, incident: incident,
                "\(name): needs a human (incident \(incident), \(reason.rawValue)); "
                    + "see: regen status \(name)")
        case .recovered(let id):
            let name = name(id)
            self.init(.recovered, .info, service: name, "\(name): healthy for good again")
        case .crashLoopDetected(let id, let rule, let count, let within, let incident):
            let name = name(id)
            let what = rule == .crashes ? "crashes" : "incidents"
            self.init(
                .crashLoop, .warning, service: name, incident: incident,
                "\(name): a loop: \(count) \(what) within \(within.words)")
        case .commonCauseBegan(let incident, let services, let of):
            self.init(
                .commonCauseBegan, .warning, incident: incident,
                "\(services) of \(of) probed services fail at once: a common cause "
                    + "(incident \(incident))")
        case .commonCauseEnded(let incident, let interval):
            self.init(
                .commonCauseEnded, .info, incident: incident,
                "calm again after \(interval.words) (incident \(incident))")
        case .commonCauseHandedOver(let incident):
            self.init(
                .commonCauseHandedOver, .critical, incident: incident,
                "the common cause lasts and needs a human (incident \(incident))")
        default: return nil
        }
    }
}

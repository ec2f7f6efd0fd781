import Supervision

extension [SimRecord] {
    /// What is wrong with the incidents in a ledger: each is opened once and ends once, but for those
    /// of instances that are excused. `nil`: nothing.
    func incidentFault(except isExcused: (String) -> Bool) -> String? {
        var isOpen: [Int: String] = [:]
        var opened: Set<Int> = []
        for line in self {
            switch line.record {
            case .incidentOpened(_, let id, _, _), .commonCauseBegan(let id, _, _):
                if !opened.insert(id).inserted { return "\(id) was opened twice" }
                isOpen[id] = line.name
            case .incidentResolved(_, let id, _), .incidentHandedOver(_, let id, _),
                .commonCauseEnded(let id, _), .commonCauseHandedOver(let id):
                if isOpen.removeValue(forKey: id) != line.name {
                    return "\(id) ended but was not open"
                }
            default: break
            }
        }
        let left = isOpen.sorted { $0.key < $1.key }.first { !isExcused($0.value) }
        return left.map { "\($0.key) of \($0.value) never ended" }
    }
}

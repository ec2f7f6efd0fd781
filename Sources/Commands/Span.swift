/// A length of time as people say it: `850ms`, `12s`, `3m 4s`, `2h 5m`, `9d 1h`.
struct Span: CustomStringConvertible {
    /// Milliseconds; a negative span counts as none.
    let milliseconds: Int64

    var description: String {
        let milliseconds = max(0, milliseconds)
        if milliseconds < 1000 { return "\(milliseconds)ms" }
        let seconds = milliseconds / 1000
        let units: [(name: String, seconds: Int64)] = [
            ("d", 86_400), ("h", 3600), ("m", 60), ("s", 1),
        ]
        let first = units.firstIndex { seconds >= $0.seconds } ?? units.count - 1
        let whole = seconds / units[first].seconds
        let text = "\(whole)\(units[first].name)"
        guard first + 1 < units.count else { return text }
        let rest = seconds % units[first].seconds / units[first + 1].seconds
        return rest == 0 ? text : "\(text) \(rest)\(units[first + 1].name)"
    }
}

/// A heap of deadlines. An entry that its instance has since changed is dropped when it surfaces.
struct Deadlines: Sendable {
    struct Entry: Sendable {
        var instant: Instant
        var index: Int
    }

    private(set) var entries: [Entry] = []

    mutating func insert(_ instant: Instant, for index: Int) {
        entries.append(Entry(instant: instant, index: index))
        var child = entries.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard entries[child].instant < entries[parent].instant else { return }
            entries.swapAt(child, parent)
            child = parent
        }
    }

    var first: Entry? { entries.first }

    mutating func removeFirst() {
        entries.swapAt(0, entries.count - 1)
        entries.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < entries.count && entries[child].instant < entries[least].instant {
                least = child
            }
            if least == parent { return }
            entries.swapAt(parent, least)
            parent = least
        }
    }

    /// Drops every entry for which `isCurrent` is false. Keeps the heap no larger than the table
    /// when deadlines are moved more often than they come.
    mutating func compact(_ isCurrent: (Entry) -> Bool) {
        let kept = entries.filter(isCurrent)
        entries.removeAll(keepingCapacity: true)
        for entry in kept { insert(entry.instant, for: entry.index) }
    }
}

/// The known word that is nearest to a misspelt one, if it is near enough to be meant.
func nearest(_ word: String, among known: [String]) -> String? {
    let allowed = max(1, min(word.utf8.count, 12) / 3)
    var best: (word: String, distance: Int)?
    for candidate in known {
        guard abs(candidate.utf8.count - word.utf8.count) <= allowed else { continue }
        let distance = editDistance(Array(word.utf8), Array(candidate.utf8))
        if distance <= allowed, distance < best?.distance ?? .max { best = (candidate, distance) }
    }
    return best?.word
}

/// How many insertions, deletions, substitutions and swaps of neighbours lead from one to the other.
private func editDistance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var older = [Int](repeating: 0, count: b.count + 1)
    var old = Array(0...b.count)
    for i in 0..<a.count {
        var row = [i + 1]
        for j in 0..<b.count {
            var cost = min(old[j] + (a[i] == b[j] ? 0 : 1), old[j + 1] + 1, row[j] + 1)
            if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
                cost = min(cost, older[j - 1] + 1)
            }
            row.append(cost)
        }
        (older, old) = (old, row)
    }
    return old[b.count]
}

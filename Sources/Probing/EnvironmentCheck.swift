import Configuration
import Linux
import Supervision
import Worker

extension Looker {
    /// An environment file larger than this is not read.
    static let mostEnvironmentBytes = 1 << 20
    /// Of one file, so many missing keys are told.
    static let mostKeysTold = 16

    /// What is missing of files that a service needs. Read as the service's user: what he may not
    /// read is missing to him.
    static func missing(_ files: [EnvironmentFile]) -> [MissingEnvironment] {
        files.prefix(Remedy.mostItems).compactMap { file in
            let bytes: [UInt8]
            do throws(SystemError) {
                bytes = try readBeginning(file.path, most: mostEnvironmentBytes + 1)
            } catch { return MissingEnvironment(path: file.path, reason: error.reason) }
            if bytes.count > mostEnvironmentBytes {
                return MissingEnvironment(
                    path: file.path, reason: "longer than \(mostEnvironmentBytes >> 20) MiB")
            }
            let set = keysWithValues(in: String(decoding: bytes, as: UTF8.self))
            let keys = file.keys.filter { !set.contains($0) }
            return keys.isEmpty
                ? nil : MissingEnvironment(path: file.path, keys: Array(keys.prefix(mostKeysTold)))
        }
    }

    /// The same as a remedy: nothing can be mended here, for nobody knows the values.
    static func environmentDeed(_ files: [EnvironmentFile]) -> Deed {
        let missing = missing(files)
        return missing.isEmpty
            ? Deed(.notNeeded, "the environment files are complete")
            : Deed(.refused, missing.map(\.description).joined(separator: "; "))
    }
}

/// The names that lines of `NAME=value` set to something. `export NAME=value` counts, quotes are
/// taken off; of a name that is set twice the last line counts.
func keysWithValues(in text: String) -> Set<String> {
    var keys: Set<String> = []
    // Bytes, not characters: `\r\n` would be one character.
    for line in text.utf8.split(whereSeparator: { $0 == 10 || $0 == 13 }) {
        var words = trimmed(line)
        if words.starts(with: "export ".utf8) { words = trimmed(words.dropFirst(7)) }
        guard words.first != UInt8(ascii: "#"), let sign = words.firstIndex(of: UInt8(ascii: "="))
        else { continue }
        let name = String(decoding: trimmed(words[..<sign]), as: UTF8.self)
        let value = unquoted(trimmed(words[words.index(after: sign)...]))
        if value.isEmpty { keys.remove(name) } else { keys.insert(name) }
    }
    return keys
}

private typealias Bytes = Substring.UTF8View

private func trimmed(_ bytes: Bytes) -> Bytes {
    let rest = bytes.drop { $0 == 32 || $0 == 9 }
    guard let last = rest.lastIndex(where: { $0 != 32 && $0 != 9 }) else { return rest.prefix(0) }
    return rest[...last]
}

private func unquoted(_ bytes: Bytes) -> Bytes {
    guard let quote = bytes.first, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'"),
        bytes.count > 1, bytes.last == quote
    else { return bytes }
    return bytes.dropFirst().dropLast()
}

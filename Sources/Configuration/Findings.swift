/// What is found while a configuration is read: every error at once, not only the first.
struct Findings {
    private(set) var errors = Kept()
    private(set) var warnings = Kept()

    /// Whether further errors are only counted, so that a hint would be searched for nobody.
    var isFull: Bool { errors.omitted > 0 }

    mutating func error(_ place: Place, _ complaint: Complaint) {
        errors.append(place.finding(complaint))
    }

    mutating func error(at position: Position?, _ path: String, _ text: String, _ hint: String?) {
        errors.append(
            ConfigurationError(at: position, path: path, message: text, hint: hint))
    }

    mutating func warning(_ place: Place, _ complaint: Complaint) {
        warnings.append(place.finding(complaint))
    }

    /// The first ones, and the number of those that came after.
    struct Kept {
        private(set) var first: [ConfigurationError] = []
        private(set) var omitted = 0

        /// The first ones in the order of the text; as found where there are no positions.
        var inOrder: [ConfigurationError] {
            let places = first.enumerated().sorted {
                let (a, b) = ($0.element.position, $1.element.position)
                return (a?.line ?? 0, a?.column ?? 0, $0.offset)
                    < (b?.line ?? 0, b?.column ?? 0, $1.offset)
            }
            return places.map(\.element)
        }

        mutating func append(_ finding: ConfigurationError) {
            if first.count < ConfigurationErrors.mostKept {
                first.append(finding)
            } else {
                omitted += 1
            }
        }
    }
}

/// What is wrong with a value, said by whoever reads it; the reader does not know where it stands.
struct Complaint: Error {
    let message: String
    let hint: String?

    init(_ message: String, _ hint: String? = nil) {
        self.message = message
        self.hint = hint
    }
}

/// A part of the tree and the path that leads there.
struct Place {
    let tree: Tree
    let path: String

    /// The `index`-th element below, from 0.
    func element(_ index: Int, _ tree: Tree) -> Place {
        Place(tree: tree, path: "\(path)[\(index)]")
    }

    /// What stands below a key.
    func member(_ member: Tree.Member) -> Place {
        Place(tree: member.value, path: joined(path, member.key))
    }

    func finding(_ complaint: Complaint) -> ConfigurationError {
        let where_ = path.isEmpty ? "" : "\(path): "
        return ConfigurationError(
            at: tree.position, path: path, message: where_ + complaint.message,
            hint: complaint.hint)
    }
}

/// A path and one more key; a key that is no plain word is quoted: `services."a.b"`.
func joined(_ path: String, _ key: String) -> String {
    let plain = !key.isEmpty && key.utf8.allSatisfy(isNameByte) && !key.utf8.contains(dot)
    let word = plain ? key : "\"\(escaped(key))\""
    return path.isEmpty ? word : "\(path).\(word)"
}

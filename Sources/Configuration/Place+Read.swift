extension Place {
    /// The value that stands here; `fallback` when it is wrong, which is told.
    func read<Value>(
        or fallback: Value, _ findings: inout Findings,
        _ parse: (Tree) throws(Complaint) -> Value
    ) -> Value {
        do { return try parse(tree) } catch {
            findings.error(self, error)
            return fallback
        }
    }

    /// The elements of the list that stands here; `nil` when it is none or has too many, which is
    /// told.
    func elements(_ counts: ClosedRange<Int>, _ findings: inout Findings) -> [Place]? {
        guard case .sequence(let elements) = tree.content else {
            findings.error(self, Complaint("a list is needed, not \(tree.kind)", "write [a, b]"))
            return nil
        }
        guard counts.contains(elements.count) else {
            let range = "\(counts.lowerBound) to \(counts.upperBound)"
            findings.error(self, Complaint("\(range) elements are allowed, not \(elements.count)"))
            return nil
        }
        return elements.enumerated().map { element($0.offset, $0.element) }
    }

    /// A command to be run beside a service: a list of words, or a text for `/bin/sh -c`.
    func commandLine(_ findings: inout Findings) -> [String] {
        guard case .sequence = tree.content else {
            let script = read(or: "", &findings, boundedText(longestScript))
            return shell + [script]
        }
        let places = elements(1...Launch.mostWords, &findings) ?? []
        let words = places.map { $0.read(or: "", &findings, text) }
        // As a text of the same length would count: it is written as such a list in the end.
        let counted = words.starts(with: shell) ? words.dropFirst(shell.count) : words[...]
        let bytes = counted.reduce(-1) { $0 + $1.utf8.count + 1 }
        if bytes > longestScript {
            findings.error(
                self, Complaint("the command has \(bytes) bytes, more than \(longestScript)"))
        }
        if let program = words.first { checkProgram(program, &findings) }
        return words
    }

    func checkProgram(_ program: String, _ findings: inout Findings) {
        if program.isEmpty {
            findings.error(self, Complaint("the program has an empty name"))
        } else if program.utf8.first != slash {
            findings.warning(
                self,
                Complaint(
                    "\(quoted(program)) is looked up in PATH at each start",
                    "write the program's absolute path"))
        }
    }
}

/// What runs a command that is written as one text.
let shell = ["/bin/sh", "-c"]

/// The most bytes of a command that is run beside a service.
let longestScript = 16 << 10

/// A text of at least one and at most so many bytes.
func boundedText(_ most: Int) -> (Tree) throws(Complaint) -> String {
    { tree throws(Complaint) in
        let text = try text(tree)
        guard (1...most).contains(text.utf8.count) else {
            throw Complaint("1 to \(most) bytes are allowed, not \(text.utf8.count)")
        }
        return text
    }
}

/// The path of a Unix socket.
func socketPath(_ tree: Tree) throws(Complaint) -> String {
    let path = try absolutePath(tree)
    guard path.utf8.count <= longestSocketPath else {
        throw Complaint(
            "the path is longer than \(longestSocketPath) bytes", "a socket's address has no room")
    }
    return path
}

/// The longest path that a socket's address takes, without its NUL; see unix(7).
let longestSocketPath = 107

/// Permission bits in octal digits: `0640`, `2755`.
func permissionBits(_ tree: Tree) throws(Complaint) -> UInt32 {
    let text = try text(tree)
    guard (1...5).contains(text.utf8.count), text.utf8.allSatisfy(isDigit),
        let bits = UInt32(text, radix: 8), bits <= 0o7777
    else {
        throw Complaint("\(quoted(text)) is not a mode", "write octal digits such as 0640")
    }
    return bits
}

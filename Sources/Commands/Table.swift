/// Rows of cells in columns as wide as their widest cell, for people.
struct Table {
    /// A text and how it looks.
    struct Cell: ExpressibleByStringLiteral {
        let text: String
        let style: Terminal.Style?

        init(_ text: String, _ style: Terminal.Style? = nil) {
            self.text = text
            self.style = style
        }

        init(stringLiteral text: String) { self.init(text) }
    }

    /// Two spaces between columns.
    private static let gap = "  "
    private var rows: [[Cell]]

    /// A table with this first row.
    init(header: [String]) { rows = [header.map { Cell($0, .dim) }] }

    /// Adds a row with as many cells as the header has.
    mutating func add(_ row: [Cell]) { rows.append(row) }

    /// The last column, which has what people wrote, gets so many columns of the terminal at least.
    private static let leastLast = 20

    /// The table's lines; nothing trails behind the last cell of a row. Where the terminal is too
    /// narrow the last column is wrapped, and where even that is no help each row is a list.
    func text(for terminal: Terminal) -> String {
        let widths = rows[0].indices.map { column in
            rows.map { $0[column].text.count }.max() ?? 0
        }
        let indent = widths.dropLast().reduce(0) { $0 + $1 + Self.gap.count }
        guard let width = terminal.width, width < indent + widths[widths.count - 1] else {
            return rows.map { line(of: $0, widths, terminal) + "\n" }.joined()
        }
        guard width >= indent + Self.leastLast else { return lists(for: terminal) }
        return rows.map { row in
            var row = row
            let last = row.removeLast()
            let pieces = Self.wrapped(last.text, width - indent).map { Cell($0, last.style) }
            let first = line(of: row + [pieces[0]], widths, terminal)
            let rest = pieces.dropFirst().map {
                String(repeating: " ", count: indent) + $0.styled(for: terminal)
            }
            return ([first] + rest).joined(separator: "\n") + "\n"
        }.joined()
    }

    /// Each row with its first cell as the heading: `phase: running`.
    private func lists(for terminal: Terminal) -> String {
        rows.dropFirst().map { row in
            let cells = zip(rows[0], row).dropFirst().filter { !["", "-"].contains($0.1.text) }
            let lines = cells.map { "  \($0.text.lowercased()): \($1.styled(for: terminal))\n" }
            return "\(row[0].styled(for: terminal))\n\(lines.joined())"
        }.joined()
    }

    /// The text in lines of at most `width`, broken between words where there are any; one at
    /// least.
    private static func wrapped(_ text: String, _ width: Int) -> [String] {
        var lines: [String] = []
        var rest = Substring(text)
        while rest.count > width {
            let room = rest.prefix(width + 1)
            let end = room.lastIndex(of: " ") ?? room.index(before: room.endIndex)
            lines.append(String(rest[..<end]))
            rest = rest[end...].drop { $0 == " " }
        }
        return lines + [String(rest)]
    }

    private func line(of row: [Cell], _ widths: [Int], _ terminal: Terminal) -> String {
        let last = row.lastIndex { !$0.text.isEmpty } ?? 0
        return row[...last].enumerated().map { column, cell in
            let missing = column == last ? 0 : widths[column] - cell.text.count
            return cell.styled(for: terminal) + String(repeating: " ", count: missing)
        }.joined(separator: Self.gap)
    }
}

extension Table.Cell {
    fileprivate func styled(for terminal: Terminal) -> String {
        style.map { terminal.styled(text, $0) } ?? text
    }
}

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

    /// The table's lines; nothing trails behind the last cell of a row.
    func text(for terminal: Terminal) -> String {
        let widths = rows[0].indices.map { column in
            rows.map { $0[column].text.count }.max() ?? 0
        }
        return rows.map { line(of: $0, widths, terminal) + "\n" }.joined()
    }

    private func line(of row: [Cell], _ widths: [Int], _ terminal: Terminal) -> String {
        let last = row.lastIndex { !$0.text.isEmpty } ?? 0
        return row[...last].enumerated().map { column, cell in
            let text = cell.style.map { terminal.styled(cell.text, $0) } ?? cell.text
            let missing = column == last ? 0 : widths[column] - cell.text.count
            return text + String(repeating: " ", count: missing)
        }.joined(separator: Self.gap)
    }
}

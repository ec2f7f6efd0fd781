import Supervision

/// The readers of single values: text in, checked value out.
///
/// Each names the bounds that it keeps; the numbers are the reference's in docs/configuration.md.

/// The scalar's text, whatever it looks like. Never NUL: no path, argument or variable can hold it.
func text(_ tree: Tree) throws(Complaint) -> String {
    guard case .scalar(let text, let isQuoted) = tree.content else {
        throw Complaint("a single value is needed, not \(tree.kind)")
    }
    if !isQuoted, text.isEmpty || tree.isNull {
        throw Complaint("there is no value", "write \"\" for an empty text, or remove the line")
    }
    if text.utf8.contains(0) { throw Complaint("a NUL byte cannot be part of it") }
    return text
}

/// `true` or `false`.
func boolean(_ tree: Tree) throws(Complaint) -> Bool {
    let text = try text(tree)
    switch text {
    case "true": return true
    case "false": return false
    default: throw Complaint("\(quoted(text)) is neither true nor false", "write true or false")
    }
}

/// One of the words of an enumeration.
func word<Value: RawRepresentable & CaseIterable>(
    _ tree: Tree
) throws(Complaint) -> Value where Value.RawValue == String {
    let text = try text(tree)
    if let value = Value(rawValue: text) { return value }
    let words = Value.allCases.map(\.rawValue)
    throw Complaint("\(quoted(text)) is not one of \(words.joined(separator: ", "))")
}

/// A whole number within bounds, in plain digits.
func integer<Number: FixedWidthInteger & SignedInteger>(
    _ range: ClosedRange<Number>
) -> (Tree) throws(Complaint) -> Number {
    { tree throws(Complaint) in
        let text = try text(tree)
        let bounds = "from \(range.lowerBound) to \(range.upperBound)"
        guard let number = decimal(text, as: Number.self) else {
            throw Complaint("\(quoted(text)) is not a whole number \(bounds)")
        }
        guard range.contains(number) else {
            throw Complaint("\(text) is outside of the allowed range \(bounds)")
        }
        return number
    }
}

/// Plain digits, with a minus sign where the type allows one; no plus sign, no underscores, no `0x`.
func decimal<Number: FixedWidthInteger>(
    _ text: some StringProtocol, as type: Number.Type = Number.self
) -> Number? {
    guard let first = text.utf8.first, first != plus, text.utf8.count <= 20 else { return nil }
    return Number(text)
}

/// A duration within bounds: `250ms`, `2s`, `10m`, `6h`, `1d`.
func duration(_ range: ClosedRange<Interval>) -> (Tree) throws(Complaint) -> Interval {
    { tree throws(Complaint) in
        let text = try text(tree)
        guard let interval = Interval(configured: text) else {
            throw Complaint(
                "\(quoted(text)) is not a duration",
                "write a whole number and ms, s, m, h or d, such as 250ms or 10m")
        }
        guard range.contains(interval) else {
            let bounds = "\(range.lowerBound.configured) to \(range.upperBound.configured)"
            throw Complaint("\(text) is outside of the allowed range \(bounds)")
        }
        return interval
    }
}

/// A size in bytes within bounds: `64MiB`, `512KiB`, `1GiB`, plain bytes.
func size(_ range: ClosedRange<Int64>) -> (Tree) throws(Complaint) -> Int64 {
    { tree throws(Complaint) in
        let text = try text(tree)
        guard let bytes: Int64 = bytes(text), bytes >= 0 else {
            throw Complaint(
                "\(quoted(text)) is not a size",
                "write a whole number of bytes, or one with KiB, MiB or GiB, such as 64MiB")
        }
        guard range.contains(bytes) else {
            throw Complaint(
                "\(text) is outside of the allowed range \(range.lowerBound) to "
                    + "\(range.upperBound) bytes")
        }
        return bytes
    }
}

/// The number of bytes that a size's text means.
func bytes<Number: FixedWidthInteger>(_ text: some StringProtocol) -> Number? {
    let units: [(suffix: String, factor: Number)] = [
        ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30),
    ]
    let unit = units.first { text.hasSuffix($0.suffix) }
    guard let number: Number = decimal(text.dropLast(unit == nil ? 0 : 3)) else { return nil }
    let (product, overflow) = number.multipliedReportingOverflow(by: unit?.factor ?? 1)
    return overflow ? nil : product
}

/// The longest path that the kernel takes, in bytes.
let longestPath = 4095

/// An absolute path.
func absolutePath(_ tree: Tree) throws(Complaint) -> String {
    let path = try text(tree)
    guard path.utf8.first == slash else {
        throw Complaint("\(quoted(path)) is not an absolute path", "begin it with /")
    }
    guard path.utf8.count <= longestPath else {
        throw Complaint("the path is longer than \(longestPath) bytes")
    }
    return path
}

/// The name or number of a user or group. Whether it exists is known when the service starts.
func accountName(_ tree: Tree) throws(Complaint) -> String {
    let name = try text(tree)
    let allowed = name.utf8.allSatisfy { isNameByte($0) || $0 == dollar }
    guard !name.isEmpty, name.utf8.count <= longestAccountName, allowed, name.utf8.first != minus
    else { throw Complaint("\(quoted(name)) is not the name or number of a user or group") }
    return name
}

/// What useradd(8) and the kernel's interfaces agree on is 32; directory services have longer ones.
let longestAccountName = 256

/// A service's name.
func serviceName(_ name: String) throws(Complaint) -> String {
    let first = name.utf8.first.map {
        isNameByte($0) && $0 != dot && $0 != minus && $0 != underscore
    }
    guard first == true, name.utf8.allSatisfy(isNameByte), name.utf8.count <= longestServiceName
    else {
        throw Complaint(
            "\(quoted(name)) is not a service name",
            "use 1 to \(longestServiceName) letters, digits, '_', '.' or '-', "
                + "beginning with a letter or digit")
    }
    return name
}

/// The longest service name: instances add `@1000`, and it is part of file and cgroup names.
let longestServiceName = 64

let slash = UInt8(ascii: "/")
let dot = UInt8(ascii: ".")
let minus = UInt8(ascii: "-")
let plus = UInt8(ascii: "+")
let underscore = UInt8(ascii: "_")
let dollar = UInt8(ascii: "$")

func isLetter(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"): true
    default: false
    }
}

func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

/// A byte that a name may have: letters, digits, `_`, `.`, `-`.
func isNameByte(_ byte: UInt8) -> Bool {
    isLetter(byte) || isDigit(byte) || byte == underscore || byte == dot || byte == minus
}

/// The 32 bytes of a SHA-256.
public struct Digest: Equatable, Sendable {
    var bytes: SIMD32<UInt8>

    /// What the very first line has instead of a predecessor's.
    public static let zero = Digest(bytes: .init(repeating: 0))

    init(bytes: SIMD32<UInt8>) { self.bytes = bytes }

    /// Reads 64 lowercase hexadecimal digits; nil if they are not.
    init?(hexadecimal text: UnsafeRawPointer) {
        let text = text.loadUnaligned(as: SIMD64<UInt8>.self)
        let isDigit = (text .>= 0x30) .& (text .<= 0x39)
        let isLetter = (text .>= 0x61) .& (text .<= 0x66)
        guard all(isDigit .| isLetter) else { return nil }
        let nibbles = (text &- 0x30).replacing(with: text &- 0x57, where: isLetter)
        bytes = nibbles.evenHalf &<< 4 | nibbles.oddHalf
    }

    /// 64 lowercase hexadecimal digits.
    @inline(__always)
    var hexadecimal: SIMD64<UInt8> {
        var nibbles = SIMD64<UInt8>()
        nibbles.evenHalf = bytes &>> 4
        nibbles.oddHalf = bytes & 0x0f
        return (nibbles &+ 0x30).replacing(with: nibbles &+ 0x57, where: nibbles .> 9)
    }

    /// 64 lowercase hexadecimal digits, as `sha256sum` prints them.
    public var text: String {
        withUnsafeBytes(of: hexadecimal) { String(decoding: $0, as: UTF8.self) }
    }
}

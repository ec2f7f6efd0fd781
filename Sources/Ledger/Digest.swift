/// The 32 bytes of a SHA-256.
public struct Digest: Equatable, Sendable {
    /// The bytes in memory's order. Words instead of a SIMD type: the compiler turns generic SIMD
    /// operations into loops over single bytes.
    typealias Words = (UInt64, UInt64, UInt64, UInt64)
    var words: Words

    /// What the very first line has instead of a predecessor's.
    public static let zero = Digest(words: (0, 0, 0, 0))

    init(words: Words) { self.words = words }

    /// Reads 64 lowercase hexadecimal digits; nil if they are not.
    init?(hexadecimal text: UnsafeRawPointer) {
        words = (0, 0, 0, 0)
        let isRead = withUnsafeMutableBytes(of: &words) { bytes in
            for index in 0..<32 {
                guard let high = Self.nibble(text.load(fromByteOffset: 2 * index, as: UInt8.self)),
                    let low = Self.nibble(text.load(fromByteOffset: 2 * index + 1, as: UInt8.self))
                else { return false }
                bytes[index] = high << 4 | low
            }
            return true
        }
        if !isRead { return nil }
    }

    private static func nibble(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        default: nil
        }
    }

    /// Equal bytes.
    public static func == (a: Digest, b: Digest) -> Bool { a.words == b.words }

    /// 64 lowercase hexadecimal digits.
    @inline(__always)
    var hexadecimal: HexadecimalDigest { HexadecimalDigest(self) }

    /// 64 lowercase hexadecimal digits, as `sha256sum` prints them.
    public var text: String {
        hexadecimal.withBytes { String(decoding: $0, as: UTF8.self) }
    }
}

/// A digest as it stands in a line: 64 bytes of text, compared and copied as words.
struct HexadecimalDigest: Equatable {
    private typealias Half = (UInt64, UInt64, UInt64, UInt64)
    private var first: Half
    private var second: Half

    init() {
        first = (0, 0, 0, 0)
        second = (0, 0, 0, 0)
    }

    /// Whatever stands there, hexadecimal or not.
    @inline(__always)
    init(_ text: UnsafeRawPointer) {
        first = text.loadUnaligned(as: Half.self)
        second = text.loadUnaligned(fromByteOffset: 32, as: Half.self)
    }

    @inline(__always)
    init(_ digest: Digest) {
        let words = digest.words
        first = (
            Self.digits(words.0), Self.digits(words.0 >> 32), Self.digits(words.1),
            Self.digits(words.1 >> 32)
        )
        second = (
            Self.digits(words.2), Self.digits(words.2 >> 32), Self.digits(words.3),
            Self.digits(words.3 >> 32)
        )
    }

    /// Four bytes of a little-endian word as eight digits, all at once.
    @inline(__always)
    private static func digits(_ bytes: UInt64) -> UInt64 {
        var spread = bytes & 0xffff_ffff
        spread = (spread | spread << 16) & 0x0000_ffff_0000_ffff
        spread = (spread | spread << 8) & 0x00ff_00ff_00ff_00ff
        let nibbles = (spread >> 4 & 0x000f_000f_000f_000f) | (spread & 0x000f_000f_000f_000f) << 8
        let letters = (nibbles &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        return nibbles &+ 0x3030_3030_3030_3030 &+ letters &* 0x27
    }

    @inline(__always)
    static func == (a: HexadecimalDigest, b: HexadecimalDigest) -> Bool {
        a.first == b.first && a.second == b.second
    }

    @inline(__always)
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        withUnsafeBytes(of: self, body)
    }
}

import JSON
import Testing

@Suite("reading JSON") struct JSONReaderTests {
    private func parse(_ text: String, limit: Int = 1 << 16) throws(JSONError) -> JSONValue {
        try JSONValue.parse(Array(text.utf8), limit: limit)
    }

    @Test("every kind of value comes back, and members in order of appearance") func kinds() throws
    {
        let value = try parse(#"{"z":null,"a":[true,false,-7,2.5,"\u00e9\ud83d\ude00"],"m":{}}"#)
        #expect(
            value
                == .object([
                    ("z", .null),
                    (
                        "a",
                        .array([.bool(true), .bool(false), .integer(-7), .real(2.5), .string("é😀")])
                    ),
                    ("m", .object([])),
                ]))
        #expect(value["a"]?.array?.count == 5)
        #expect(value["none"] == nil)
        #expect(value["z"]?["deeper"] == nil)
    }

    @Test("a thousand keys keep their order") func order() throws {
        let keys = (0..<1_000).map { "k\(($0 * 7_919) % 1_000)" }
        let text = "{" + keys.map { "\"\($0)\":1" }.joined(separator: ",") + "}"
        #expect(try parse(text).object?.map(\.key) == keys)
    }

    @Test("an error says line, column and offset") func position() {
        let error = #expect(throws: JSONError.self) { try parse("{\"a\": 1,\n \"b\": oops}") }
        #expect(error?.line == 2)
        #expect(error.map { $0.column > 0 && $0.offset > 8 } == true)
        #expect(error?.description.contains("line 2, column") == true)
        #expect(error?.text.contains("oops") == true)
    }

    @Test(
        "what is not JSON for us is refused",
        arguments: [
            "", " ", "{", "[1,]", "{\"a\":1,\"a\":2}", "1 2", "9223372036854775808", "1e999", "nul",
            "\"\\u0000\"", "{\"\\u0000\":1}", "\"\\ud800\"", "'a'", "[1]]", "{a:1}", "// c\n1",
        ])
    func refused(text: String) {
        #expect(throws: JSONError.self) { try parse(text) }
    }

    @Test("bytes that are not UTF-8 are refused") func notUnicode() {
        #expect(throws: JSONError.self) {
            try JSONValue.parse([0x22, 0xff, 0x22], limit: 10)
        }
    }

    @Test("the limit in bytes and the limit in depth hold, to the exact one") func limits() throws {
        #expect(try parse("[12]", limit: 4) == .array([.integer(12)]))
        #expect(throws: JSONError.self) { try parse("[123]", limit: 4) }
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        _ = try parse(nested(JSONValue.depthLimit))
        #expect(throws: JSONError.self) { try parse(nested(JSONValue.depthLimit + 1)) }
        #expect(throws: JSONError.self) { try parse(nested(100_000), limit: 1 << 20) }
        #expect(throws: JSONError.self) {
            try parse(String(repeating: "{\"a\":", count: 100_000), limit: 1 << 20)
        }
    }

    @Test("100,000 mutated inputs get a value or an error, and a value can be written and read")
    func mutated() throws {
        var random = SplitMix(seed: 20_250_101)
        let seeds = [
            #"{"prev":"00","seq":12,"t":"17","ev":"process.exit","tail":[1,2.5e3,null,true]}"#,
            #"{"services":{"web":{"command":["/bin/x","\u00e9\ud83d\ude00\n"],"n":-9}}}"#,
            "[[[[{\"a\":{\"b\":[\"\u{e9}\u{1f600}\"]}}]]]]",
        ].map { Array($0.utf8) }
        var read = 0
        for round in 0..<100_000 {
            var bytes = seeds[round % seeds.count]
            for _ in 0...random.below(4) { mutate(&bytes, with: &random) }
            guard let value = try? JSONValue.parse(bytes, limit: 4_096) else { continue }
            read += 1
            var writer = JSONWriter()
            guard write(value, into: &writer) else { continue }
            #expect(try JSONValue.parse(writer.bytes, limit: 1 << 16) == value)
        }
        #expect(read > 1_000)
    }

    private func mutate(_ bytes: inout [UInt8], with random: inout SplitMix) {
        guard !bytes.isEmpty else { return bytes.append(UInt8(random.below(256))) }
        let index = random.below(bytes.count)
        switch random.below(5) {
        case 0: bytes[index] ^= 1 << UInt8(random.below(8))
        case 1: bytes.remove(at: index)
        case 2: bytes.insert(UInt8(random.below(256)), at: index)
        case 3: bytes.insert(contentsOf: bytes[index...].prefix(random.below(32)), at: index)
        default: bytes.removeSubrange(index...)
        }
    }

    /// False when the value holds a real or a large integer, which the writer does not give back.
    private func write(_ value: JSONValue, into writer: inout JSONWriter) -> Bool {
        switch value {
        case .null: writer.null()
        case .bool(let bool): writer.bool(bool)
        case .integer(let integer):
            writer.integer(integer)
            return integer.magnitude < JSONWriter.integerLimit.magnitude
        case .real: return false
        case .string(let string): writer.string(string)
        case .array(let values):
            writer.beginArray()
            for value in values where !write(value, into: &writer) { return false }
            writer.endArray()
        case .object(let members):
            writer.beginObject()
            for member in members {
                writer.key(member.key)
                guard write(member.value, into: &writer) else { return false }
            }
            writer.endObject()
        }
        return true
    }
}

/// A small seeded generator: a failure comes again with the same seed.
struct SplitMix {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}

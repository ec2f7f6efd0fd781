import JSON
import Testing

@Suite("writing JSON") struct JSONWriterTests {
    private func written(_ body: (inout JSONWriter) -> Void) -> String {
        var writer = JSONWriter()
        body(&writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    @Test("members come in the order of the calls, without spaces") func order() {
        let text = written { writer in
            writer.beginObject()
            writer.string("unit", "web")
            writer.key("list")
            writer.beginArray()
            writer.integer(1)
            writer.null()
            writer.beginObject()
            writer.endObject()
            writer.bool(false)
            writer.endArray()
            writer.bool("last", true)
            writer.key("na\"me")
            writer.integer(-42)
            writer.endObject()
        }
        #expect(text == #"{"unit":"web","list":[1,null,{},false],"last":true,"na\"me":-42}"#)
    }

    @Test("without braces members come out bare, as a ledger record takes them") func bare() {
        let text = written { writer in
            writer.integer("pid", 7)
            writer.string("unit", "web")
        }
        #expect(text == #""pid":7,"unit":"web""#)
    }

    @Test("a used buffer starts anew") func reused() {
        var writer = JSONWriter()
        writer.integer("a", 1)
        writer.removeAll()
        writer.integer("b", 2)
        #expect(String(decoding: writer.bytes, as: UTF8.self) == #""b":2"#)
    }

    @Test("integers from 2^53 on are decimal strings") func integers() {
        let limit = JSONWriter.integerLimit
        for (value, expected) in [
            (0, "0"), (-1, "-1"), (limit - 1, "9007199254740991"), (limit, "\"9007199254740992\""),
            (-limit, "\"-9007199254740992\""), (1 - limit, "-9007199254740991"),
            (.min, "\"-9223372036854775808\""), (.max, "\"9223372036854775807\""),
        ] as [(Int64, String)] {
            #expect(written { $0.integer(value) } == expected)
        }
        #expect(written { $0.decimal(5) } == "\"5\"")
    }

    @Test("everything but plain ASCII is escaped") func escapes() {
        #expect(
            written { $0.string("a\"b\\c\n\r\t\u{1}\u{7f}é😀\u{0}/") }
                == #""a\"b\\c\n\r\t\u0001\u007f\u00e9\ud83d\ude00\ufffd/""#)
    }

    @Test("bytes that are not UTF-8 become U+FFFD, as Swift's own decoder has it") func repaired() {
        var random = SplitMix(seed: 7)
        let alphabet: [UInt8] = [
            0x41, 0x7f, 0x80, 0xbf, 0xc0, 0xc2, 0xe0, 0xa0, 0xed, 0x9f, 0xef, 0xf0, 0x90, 0xf4,
            0x8f,
            0xf5, 0xff,
        ]
        for _ in 0..<20_000 {
            let bytes = (0..<random.below(8)).map { _ in alphabet[random.below(alphabet.count)] }
            let text = written { writer in bytes.withUnsafeBytes { writer.string(utf8: $0) } }
            let value = try? JSONValue.parse(Array(text.utf8), limit: 1_000)
            #expect(value == .string(String(decoding: bytes, as: UTF8.self)))
            #expect(text.utf8.allSatisfy { $0 >= 0x20 && $0 <= 0x7e })
        }
    }
}

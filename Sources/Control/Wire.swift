public import JSON

/// Messages as Varlink writes them, without their NUL.
enum Wire {
    static func reply(_ write: (inout JSONWriter) -> Void) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.key("parameters")
        write(&json)
        json.endObject()
        return json.bytes
    }

    static func continuingReply(_ write: (inout JSONWriter) -> Void) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.bool("continues", true)
        json.key("parameters")
        write(&json)
        json.endObject()
        return json.bytes
    }

    static func failure(_ error: ControlError) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.string("error", error.name)
        json.key("parameters")
        error.writeParameters(into: &json)
        json.endObject()
        return json.bytes
    }

    static func call(_ method: String, _ write: (inout JSONWriter) -> Void) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.string("method", method)
        json.key("parameters")
        write(&json)
        json.endObject()
        return json.bytes
    }
}

/// A message from a client.
struct IncomingCall {
    let method: String
    let parameters: JSONValue?
    let isOneway: Bool
    let wantsMore: Bool

    /// Reads a message; what is no call at all is an error after which nothing more is understood.
    init(_ message: [UInt8]) throws(ControlError) {
        let json: JSONValue
        do { json = try JSONValue.parse(message, limit: ControlServer.longestMessage) } catch {
            throw .invalidParameter(parameter: "message")
        }
        guard let method = json["method"]?.string else {
            throw .invalidParameter(parameter: "method")
        }
        self.method = method
        parameters = json["parameters"]
        isOneway = json["oneway"]?.bool ?? false
        wantsMore = json["more"]?.bool ?? false
    }

    /// `io.regen.Control` of `io.regen.Control.Status`; empty without a dot.
    var interface: String { String(method[..<(method.lastIndex(of: ".") ?? method.startIndex)]) }

    /// `Status` of `io.regen.Control.Status`.
    var member: String {
        method.lastIndex(of: ".").map { String(method[method.index(after: $0)...]) } ?? method
    }
}

extension JSONWriter {
    /// An object with the members that `body` writes.
    public mutating func object(_ body: (inout JSONWriter) -> Void) {
        beginObject()
        body(&self)
        endObject()
    }
}

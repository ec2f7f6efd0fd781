import JSON
import SafeSwitch

extension Comparison {
    func write(into json: inout JSONWriter) {
        json.beginObject()
        json.string("unit", unit.rawValue)
        json.string("closure", closure.rawValue)
        json.list("paths", paths) { $1.write(into: &$0) }
        json.string("kernel", kernel.rawValue)
        json.string("systemd", systemd.rawValue)
        json.endObject()
    }

    init(_ json: JSONValue) throws(WireReader.Malformed) {
        let reader = try WireReader(json, ["unit", "closure", "paths", "kernel", "systemd"])
        self.init()
        unit = try reader.needWord("unit")
        closure = try reader.needWord("closure")
        paths = try reader.list("paths", PathDifference.init(wire:))
        kernel = try reader.needWord("kernel")
        systemd = try reader.needWord("systemd")
    }
}

extension Comparison.PathDifference {
    fileprivate func write(into json: inout JSONWriter) {
        json.beginObject()
        json.string("path", path)
        json.string("difference", difference.rawValue)
        json.string("before", ifAny: before)
        json.string("after", ifAny: after)
        json.endObject()
    }

    fileprivate init(wire json: JSONValue) throws(WireReader.Malformed) {
        let reader = try WireReader(json, ["path", "difference", "before", "after"])
        self.init(
            path: try reader.needText("path"), difference: try reader.needWord("difference"),
            before: try reader.text("before"), after: try reader.text("after"))
    }
}

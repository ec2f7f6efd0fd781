import Configuration
import JSON

extension Probe {
    func write(into json: inout JSONWriter) { json.null() }
    init(canonical: JSONValue) throws { self.init(.tcp(host: "", port: 0)) }
}

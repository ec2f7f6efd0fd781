import JSON
import Supervision

extension Remedy {
    /// As `list` reads it.
    func write(into json: inout JSONWriter) {
        switch self {
        case .restart, .portConflict: json.string(kind.rawValue)
        case .validateConfig(let command, let timeout):
            write(into: &json) { json in
                json.beginObject()
                json.key("command")
                json.array(command) { $0.string($1) }
                json.string("timeout", timeout.configured)
                json.endObject()
            }
        case .dependencies(let dependencies):
            write(into: &json) { $0.array(dependencies) { $1.write(into: &$0) } }
        case .environment(let files):
            write(into: &json) { $0.array(files) { $1.write(into: &$0) } }
        }
    }

    private func write(into json: inout JSONWriter, _ value: (inout JSONWriter) -> Void) {
        json.beginObject()
        json.key(kind.rawValue)
        value(&json)
        json.endObject()
    }
}

extension Dependency {
    fileprivate func write(into json: inout JSONWriter) {
        json.beginObject()
        json.string("base", base)
        json.string("path", path)
        switch kind {
        case .file: json.string("kind", "file")
        case .directory: json.string("kind", "directory")
        case .link(let target):
            json.string("kind", "link")
            json.string("to", target)
        }
        json.bool("create", create)
        json.string("owner", ifSet: owner)
        json.string("group", ifSet: group)
        json.string("mode", ifSet: mode.map { String($0, radix: 8) })
        json.endObject()
    }
}

extension EnvironmentFile {
    fileprivate func write(into json: inout JSONWriter) {
        json.beginObject()
        json.string("file", path)
        json.key("keys")
        json.array(keys) { $0.string($1) }
        json.endObject()
    }
}

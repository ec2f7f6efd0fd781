import Configuration
import JSON

/// Reads a configuration out of JSON text.
func configuration(_ json: String) throws -> Configuration {
    var warnings: [ConfigurationError] = []
    return try configuration(json, warnings: &warnings)
}

/// The same, with its warnings.
func configuration(_ json: String, warnings: inout [ConfigurationError]) throws -> Configuration {
    let tree = Tree(try JSONValue.parse(Array(json.utf8), limit: 16 << 20))
    return try Configuration(tree, warnings: &warnings)
}

/// One service `web` with a command, a user and these members besides.
func service(_ members: String) throws -> ServiceConfiguration {
    let more = members.isEmpty ? "" : ", \(members)"
    let json = #"{"services":{"web":{"command":["/bin/web"],"user":"web"\#(more)}}}"#
    return try configuration(json).services[0]
}

/// What is wrong with a configuration, one text an error; none when it is fine.
func errors(_ json: String) throws -> [String] {
    do {
        _ = try configuration(json)
        return []
    } catch let errors as ConfigurationErrors { return errors.errors.map { "\($0)" } }
}

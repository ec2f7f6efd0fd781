import Linux

/// The command line of `regend`. `regen run` writes it; people use `regen`.
struct Options {
    /// A descriptor to read the canonical configuration from.
    var configurationFD: Int32 = -1
    /// The file it was made from, for messages and for reload.
    var configurationFile = ""
    /// What Regen's own directories stand below; empty: the root directory.
    var root = ""

    /// What is wrong with a command line.
    struct Misuse: Error {
        let message: String
    }

    init(_ arguments: [String]) throws(Misuse) {
        var rest = arguments[...]
        while let option = rest.popFirst() {
            if option == "--help" || option == "-h" {
                throw Misuse(message: "the daemon; start it by: regen run --config FILE")
            }
            guard let value = rest.popFirst() else {
                throw Misuse(message: "\(option) needs a value")
            }
            switch option {
            case "--config-fd":
                guard let number = Int32(value), number > 2 else {
                    throw Misuse(message: "--config-fd needs a descriptor from 3 on, not \(value)")
                }
                configurationFD = number
            case "--config-file": configurationFile = value
            case "--root": root = value == "/" ? "" : value
            default: throw Misuse(message: "unknown option \(option)")
            }
        }
        guard configurationFD >= 0, !configurationFile.isEmpty else {
            throw Misuse(message: "start me by regen run --config FILE")
        }
    }

    /// A path of Regen's own, below the root that was asked for.
    func below(_ path: String) -> String { root + path }

    /// A path as it is seen from within that root.
    func within(_ path: String) -> String {
        root.isEmpty || !path.hasPrefix(root + "/") ? path : String(path.dropFirst(root.count))
    }
}

/// A service that is not in any file: PID 1 runs it once and forgets it.
public struct TransientUnit: Equatable, Sendable {
    /// So many arguments or variables, and no more bytes in all of them.
    public static let mostStrings = 256
    /// See `mostStrings`.
    public static let mostBytes = 64 << 10

    /// Its name, which no loaded unit may have.
    public let name: UnitName
    /// For people.
    public var description: String
    /// The program, by its absolute path, and its arguments. It is run as it is: no `$` or `%` means
    /// anything in it.
    public var command: [String]
    /// Variables, `NAME=value`.
    public var environment: [String]
    /// Fields that each line of its output has in the journal, `NAME=value`.
    public var journalFields: [String]
    /// When PID 1 may forget it: `inactive`, or `inactive-or-failed`.
    public var collectMode: String

    /// A unit of `Type=exec`: its start is done once the program runs.
    public init(
        name: UnitName, description: String, command: [String], environment: [String] = [],
        journalFields: [String] = [], collectMode: String = "inactive-or-failed"
    ) {
        self.name = name
        self.description = description
        self.command = command
        self.environment = environment
        self.journalFields = journalFields
        self.collectMode = collectMode
    }

    /// Whether it can be asked for.
    var isSendable: Bool {
        let strings = command + environment + journalFields + [description, collectMode]
        return command.first?.hasPrefix("/") == true && strings.count <= Self.mostStrings
            && strings.reduce(0) { $0 + $1.utf8.count } <= Self.mostBytes
            && !strings.contains { $0.utf8.contains(0) }
    }

    /// The arguments of StartTransientUnit: `ssa(sv)a(sa(sv))`.
    func append(to call: inout BusCallMessage) {
        call.append(name.text)
        call.append("fail")
        call.container("a", "(sv)") { call in
            for (name, text) in [
                ("Description", description), ("Type", "exec"), ("CollectMode", collectMode),
            ] {
                call.property(name, "s") { $0.append(text) }
            }
            call.property("Environment", "as") { call in
                call.container("a", "s") { call in
                    for variable in environment { call.append(variable) }
                }
            }
            call.property("LogExtraFields", "aay") { call in
                call.container("a", "ay") { call in
                    for field in journalFields { call.append(bytes: Array(field.utf8)) }
                }
            }
            // Not ExecStartEx with its `no-env-expand`: systemd 252 writes that into the unit's file by
            // a key that it does not read, and after a daemon-reload the unit has no command.
            call.property("ExecStart", "a(sasb)") { call in
                call.container("a", "(sasb)") { call in
                    call.container("r", "sasb") { call in
                        call.append(command[0])
                        call.container("a", "s") { call in
                            for argument in command { call.append(argument.dollarsDoubled) }
                        }
                        // That its failure is one is not ignored.
                        call.append(false)
                    }
                }
            }
        }
        call.container("a", "(sa(sv))") { _ in }
    }
}

extension String {
    /// Written so that PID 1 takes no `$` for a variable's: systemd.service(5), command lines.
    fileprivate var dollarsDoubled: String {
        split(separator: "$", omittingEmptySubsequences: false).joined(separator: "$$")
    }
}

extension BusCallMessage {
    fileprivate mutating func property(
        _ name: String, _ contents: String, _ value: (inout BusCallMessage) -> Void
    ) {
        container("r", "sv") { call in
            call.append(name)
            call.container("v", contents, value)
        }
    }
}

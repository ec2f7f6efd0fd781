internal import ArgumentParser
import Configuration
import Control
import JSON
import Linux
import Supervision

/// `regen switch`
struct SwitchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "switch",
        abstract: "Puts a system on trial, and makes it the boot default when it passes.",
        discussion: """
            The system runs at once, and the boot default stays what it was. When the probes pass \
            it becomes the boot default; when they do not, the system before it runs again. With \
            --confirm-within the same happens unless somebody says regen confirm in time: who has \
            locked himself out gets back in by waiting. It goes on when it is not watched.
            Ends with 0 when it has become the boot default, else with 1.

            nixos-rebuild build && regen switch ./result --confirm-within 5m
            """)

    @Argument(
        help: "A system: its store path, or a link to it such as nixos-rebuild's ./result.",
        completion: .directory)
    var path: String?

    @Option(
        help: ArgumentHelp("A generation instead of a path.", valueName: "number"),
        transform: generationNumber)
    var profileGeneration: Int64?

    @Option(
        help: ArgumentHelp(
            "Take it back unless it is confirmed within this time, 10s to 1d.",
            valueName: "duration"),
        transform: {
            try Interval.milliseconds(
                $0, within: ControlRequest.confirmations, "say 30s, 5m or 1h, from 10s to 1d")
        })
    var confirmWithin: Int64?

    @Flag(help: "Tell the outcome as one JSON object.")
    var json = false

    @OptionGroup var control: ControlOptions

    func validate() throws {
        guard (path == nil) != (profileGeneration == nil) else {
            throw ValidationError("Name a path, or say --profile-generation.")
        }
    }

    func run() throws {
        let target = try path.map { try Self.storePath($0) }
        let number = try control.begin(.switch, doing: "beginning", json: json) { json in
            if let target { json.string("path", target) }
            if let profileGeneration { json.integer("generation", profileGeneration) }
            if let confirmWithin { json.integer("confirm_within_ms", confirmWithin) }
        }
        let follower = SwitchFollower(
            control: control, number: number, confirmWithin: confirmWithin ?? 0)
        try follower.follow().tell(json: json)
    }

    /// The store path that a path leads to. The daemon may look at another root than ours, so that a
    /// store path goes there as it is; a link within one is followed.
    static func storePath(_ path: String) throws(Exit) -> String {
        let store = "/nix/store/"
        let isWhole = !path.dropFirst(store.utf8.count).contains("/")
        if path.hasPrefix(store), isWhole { return path }
        do { return try resolvedPath(path) } catch {
            throw .wrong("\(error)".printable + ": name a system, such as nixos-rebuild's ./result")
        }
    }
}

/// `regen confirm`
struct ConfirmCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "confirm",
        abstract: "Lets a system on trial stay: the machine can be reached.",
        discussion: """
            For regen switch --confirm-within. The probes still have their say. Ends with 1 when \
            there is no trial to confirm.
            """)

    @Flag(help: "Tell the outcome as one JSON object.")
    var json = false

    @OptionGroup var control: ControlOptions

    func run() throws {
        let number = try control.begin(.confirmSwitch, doing: "confirming", json: json) { _ in }
        try Terminal.output.write(
            json
                ? JSONWriter.line(SwitchReply.flight(number).write)
                : "switch \(number) is confirmed; it becomes the boot default when the probes pass\n"
        )
    }
}

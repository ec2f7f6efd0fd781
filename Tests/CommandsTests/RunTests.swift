import Foundation
import Testing

@Suite("regen run") struct RunTests {
    /// An installation whose daemon tells what it was handed.
    private func installation(daemonIn place: String) throws -> Folder {
        let folder = try Folder()
        try folder.write("regen.yaml", sample)
        for directory in ["bin", "libexec"] {
            try FileManager.default.createDirectory(
                at: folder.url.appending(path: directory), withIntermediateDirectories: true)
        }
        try FileManager.default.copyItem(at: regen, to: folder.url.appending(path: "bin/regen"))
        let daemon = try folder.write(
            "\(place)/regend",
            """
            #!/bin/sh
            fd=$2
            [ "$1" = --config-fd ] && shift 2
            echo "$@"
            cat <&"$fd"
            echo
            { echo more >> "/proc/self/fd/$fd"; } 2>/dev/null || echo sealed
            """)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: daemon.path)
        return folder
    }

    @Test(
        "the daemon gets canonical JSON in a sealed file, and absolute paths",
        arguments: ["bin", "libexec"])
    func handover(place: String) throws {
        let folder = try installation(daemonIn: place)
        let program = folder.url.appending(path: "bin/regen")
        let outcome = try run(
            ["run", "--config", "regen.yaml", "--root", "r"], by: program, in: folder.url)
        let canonical = try run(["check", "--canonical", "regen.yaml"], in: folder.url).output
        let directory = folder.url.resolvingSymlinksInPath().path
        let paths = "--config-file \(directory)/regen.yaml --root \(directory)/r\n"
        #expect(outcome.output == paths + canonical + "sealed\n")
        #expect(outcome.code == 0)
    }

    @Test("a wrong configuration ends with 2 before any daemon") func wrong() throws {
        let folder = try installation(daemonIn: "bin")
        try folder.write("wrong.yaml", "services: { a: {} }")
        let program = folder.url.appending(path: "bin/regen")
        let outcome = try run(["run", "--config", "wrong.yaml"], by: program, in: folder.url)
        #expect(outcome.code == 2)
        #expect(outcome.output == "")
        #expect(outcome.error.hasPrefix("wrong.yaml:1:16: error: services.a: there is no command"))
    }

    @Test("a missing daemon is told with the places where it was looked for") func missing() throws
    {
        let folder = try installation(daemonIn: "bin")
        try FileManager.default.removeItem(at: folder.url.appending(path: "bin/regend"))
        let program = folder.url.appending(path: "bin/regen")
        let outcome = try run(["run", "--config", "regen.yaml"], by: program, in: folder.url)
        #expect(outcome.code == 2)
        #expect(outcome.error.contains("/bin/regend or "))
        #expect(outcome.error.hasSuffix("is Regen installed whole?\n"))
    }
}

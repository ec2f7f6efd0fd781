import Control
import Foundation
import JSON
import Linux
import Testing

@Suite("the control socket") struct ControlSocketTests {
    @Test("a socket that an ended daemon left behind is replaced") func abandoned() throws {
        let directory = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let path = "\(directory)/socket"
        _ = try UnixSocket.listen(at: path)
        #expect(FileManager.default.fileExists(atPath: path))
        let second = try UnixSocket.listen(at: path)
        _ = try UnixSocket.connect(to: path, milliseconds: 1000)
        #expect(try second.accept() != nil)
    }

    @Test("a socket where somebody answers stays his") func inUse() throws {
        let loop = try ControlLoop()
        let error = #expect(throws: SystemError.self) {
            try ControlServer(path: loop.path, version: "2")
        }
        #expect(error?.code == EADDRINUSE)
        let client = try RawClient(loop)
        client.call("io.regen.Control.Version")
        #expect(try client.answer(loop)["parameters"]?["version"]?.string == "1.2.3")
    }

    @Test("a file that is no socket is never removed") func regularFile() throws {
        let directory = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let path = "\(directory)/precious"
        #expect(FileManager.default.createFile(atPath: path, contents: Data([7])))
        #expect(throws: SystemError.self) { _ = try UnixSocket.listen(at: path) }
        #expect(FileManager.default.contents(atPath: path) == Data([7]))
    }

    @Test("a path of 108 bytes is refused and the limit told") func longPath() throws {
        let path = "/tmp/" + String(repeating: "x", count: 103)
        let error = #expect(throws: SystemError.self) { _ = try UnixSocket.listen(at: path) }
        #expect(error?.code == ENAMETOOLONG)
        #expect(error?.operation.contains("has 108 bytes, at most 107") == true)
    }

    @Test("without the group the socket is its owner's alone") func withoutGroup() throws {
        let loop = try ControlLoop(group: "no-such-group")
        let attributes = try FileManager.default.attributesOfItem(atPath: loop.path)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
    }

    @Test("members of the group may connect", .enabled(if: PeerCredentials.ownUser == 0))
    func withGroup() throws {
        let loop = try ControlLoop(group: "nogroup")
        let attributes = try FileManager.default.attributesOfItem(atPath: loop.path)
        #expect(attributes[.posixPermissions] as? Int == 0o660)
        #expect(attributes[.groupOwnerAccountID] as? UInt32 == (try Account.groupID("nogroup")))
    }

    @Test("which methods change something or show logs is written down") func access() {
        let reading = ControlMethod.allCases.filter { $0.access == .read }
        #expect(reading == [.status, .version, .generations, .planRollback])
    }

    @Test(
        "whoever is not root may look, and act only if listed; readers leave room for root",
        .enabled(if: PeerCredentials.ownUser == 0))
    func peers() throws {
        #expect(try answers(to: 65_534, actors: []) == ["parameters", "denied", "denied", "full"])
        #expect(
            try answers(to: 65_534, actors: [65_534]) == ["parameters", "acted", "acted", "room"])
    }

    /// What a process of this user gets: for `Status`, for `Reload`, for `LogPath`, and for its
    /// 57th connection.
    private func answers(to user: UInt32, actors: [UInt32]) throws -> [String] {
        let loop = try ControlLoop(actors: actors)
        chmod(loop.directory, 0o755)
        chmod(loop.path, 0o666)
        let script = """
            use IO::Socket::UNIX; $/ = "\\0"; $| = 1;
            $SIG{PIPE} = "IGNORE";
            sub ask { my ($s, $m, $p) = @_; print $s "{\\"method\\":\\"io.regen.Control.$m\\"," .
                "\\"parameters\\":$p}\\0"; $s->flush; my $a = <$s>; return $a; }
            my @all = map { IO::Socket::UNIX->new(Peer => $ARGV[0]) or die } 1..56;
            print ask($all[0], "Status", "{}") =~ /parameters/ ? "parameters " : "none ";
            for (["Reload", "{}"], ["LogPath", '{"service":"a"}']) {
                print ask($all[0], @$_) =~ /PermissionDenied/ ? "denied " : "acted ";
            }
            my $last = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die;
            print ask($last, "Version", "{}") =~ /TooManyClients/ ? "full" : "room";
            """
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/setpriv")
        process.arguments = [
            "--reuid=\(user)", "--clear-groups", "perl", "-e", script, loop.path,
        ]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        try loop.serve { !process.isRunning }
        let text = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        return text.split(separator: " ").map(String.init)
    }
}

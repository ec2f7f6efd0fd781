import Configuration
import Control
import Linux
import NixOS
import Probing
import Records

/// The program `regend`: from the command line to the loop, and its exit status.
public enum Regend {
    /// Ends when everything that had to stop is down. 0: as asked; 1: it could not start; 2: wrong
    /// usage or configuration.
    public static func main(_ arguments: [String]) -> Never {
        if arguments.first == "--copy-aside", arguments.count == 2 {
            copyAside(arguments[1])
        }
        if arguments == ["--look"] { look() }
        if arguments.count == 3, arguments[0] == "--system", arguments[1] == "--root" {
            terminate(SystemChild.run(root: SystemRoot(arguments[2])))
        }
        if arguments == ["--version"] {
            try? StandardStream.output.write("regend \(Version.text)\n")
            terminate(0)
        }
        do throws(Parts.Obstacle) {
            try serve(options(arguments))
        } catch {
            var narrator = Narrator()
            narrator.say(.error, error.text)
            narrator.flush()
            terminate(1)
        }
        terminate(0)
    }

    private static func serve(_ options: Options) throws(Parts.Obstacle) {
        let daemon = try daemon(options)
        do throws(SystemError) { try daemon.run() } catch { throw Parts.Obstacle(error) }
    }

    private static func daemon(_ options: Options) throws(Parts.Obstacle) -> Daemon {
        Directory.leaveForRoot()
        ResourceLimits.returnLargeBlocks()
        let configuration = configuration(options)
        let parts = try Parts.assemble(options, configuration, Narrator())
        let memory = parts.memory
        do throws(SystemError) {
            let daemon = try Daemon(parts)
            try daemon.begin(configuration, memory)
            return daemon
        } catch { throw Parts.Obstacle(error) }
    }

    private static func options(_ arguments: [String]) -> Options {
        do throws(Options.Misuse) { return try Options(arguments) } catch {
            fail("regend: \(error.message)")
        }
    }

    private static func configuration(_ options: Options) -> Configuration {
        do {
            if ProcessTable.effectiveUser == 0 { try TrustedPath.check(options.configurationFile) }
            let file = AnonymousFile(adopting: OwnedFD(adopting: options.configurationFD))
            return try Configuration(
                canonical: file.contents(limit: Configuration.mostCanonicalBytes))
        } catch let defect as TrustedPath.Defect {
            fail(
                "regend: \(defect); as root I only take a configuration that nobody else can change"
            )
        } catch {
            fail("regend: \(options.configurationFile): \(error)")
        }
    }

    /// The errand of cutting a log, as a child of the daemon.
    private static func copyAside(_ path: String) -> Never {
        do throws(SystemError) {
            let bytes = try LogFile.copyAside(path)
            try StandardStream.output.write("\(bytes)\n")
            terminate(0)
        } catch {
            try? StandardStream.output.write("\(error)\n")
            terminate(1)
        }
    }

    /// Looks at this machine for the daemon, whose end of descriptor 3 tells what at.
    private static func look() -> Never {
        do throws(Looker.Failure) {
            try Looker.serve(on: OwnedFD(adopting: 3))
            terminate(0)
        } catch {
            try? StandardStream.error.write("regend --look: \(error)\n")
            terminate(1)
        }
    }

    private static func fail(_ text: String) -> Never {
        try? StandardStream.error.write("\(text)\n")
        terminate(2)
    }
}

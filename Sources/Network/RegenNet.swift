import Linux
import Worker

/// The program `regen-net`: from the command line to the loop, and its exit status.
public enum RegenNet {
    /// Where regend's socket is.
    static let channel: Int32 = 3
    /// Where the role `notify` finds its route: a memory file that nobody can write any more.
    static let secrets: Int32 = 4

    /// Ends when regend has gone. 0: so it was; 1: it could not go on; 2: wrong usage.
    public static func main(_ arguments: [String]) -> Never {
        var arguments = arguments
        let stays = arguments.last == "--as-is"
        if stays { arguments.removeLast() }
        guard arguments == ["probe"] || arguments == ["notify"] else {
            fail("started by regend, as: regen-net probe|notify [--as-is]", 2)
        }
        guard stays || ProcessTable.effectiveUser != 0 else {
            fail("I talk to strangers and do not run as root; regend gives me a user of my own", 2)
        }
        do throws(SystemError) {
            let socket = try UnixSocket(inherited: channel)
            let worker: WorkerLoop =
                if arguments == ["probe"] { try NetworkWorker(socket) } else {
                    try NoticeWorker(socket, route())
                }
            try Sandbox.enter()
            do throws(WorkerLoop.Failure) { try worker.run() } catch { fail(text(error), 1) }
        } catch {
            fail("cannot start: \(error); I am started by regend, with a socket as descriptor 3", 1)
        }
        terminate(0)
    }

    private static func route() throws(SystemError) -> OpenRoute {
        let file = AnonymousFile(adopting: OwnedFD(adopting: secrets))
        guard let route = OpenRoute(try file.contents(limit: OpenRoute.mostBytes)) else {
            fail("descriptor 4 holds no route; I am started by regend", 1)
        }
        return route
    }

    private static func text(_ failure: WorkerLoop.Failure) -> String {
        switch failure {
        case .garbage(let line): "regend wrote what is no request, so I end: \(line)"
        case .tooLong: "regend wrote a line that is too long for a request, so I end"
        case .system(let error): "cannot go on: \(error)"
        }
    }

    private static func fail(_ text: String, _ status: Int32) -> Never {
        try? StandardStream.error.write("regen-net: \(text)\n")
        terminate(status)
    }
}

// What `regend --look` is, without the rest of the daemon: the tests of Probing start it.
import Linux
import Probing

do {
    try Looker.serve(on: OwnedFD(adopting: 3))
} catch {
    try? StandardStream.error.write("look: \(error)\n")
    terminate(1)
}

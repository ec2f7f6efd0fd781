// Enters the sandbox of regen-net and tries what its argument names. The tests look how it ends.
import Glibc
import Linux

do { try Sandbox.enter() } catch {
    print(error)
    exit(3)
}
switch CommandLine.arguments.last {
case "execute": try execute("/bin/true", ["true"])
case "change-root": _ = chroot("/")
case "become-root": _ = setuid(0)
case "write": exit(open("/tmp/regen-sandbox-trial", O_WRONLY | O_CREAT, 0o600) < 0 ? 0 : 1)
case "listen": exit(listen(socket(AF_UNIX, 1, 0), 1) < 0 ? 0 : 1)
default: exit(4)
}
exit(1)

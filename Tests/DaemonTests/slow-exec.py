"""Lets each exec of FILE wait so many seconds before the kernel goes on with it: slow-exec.py FILE SECONDS.

Says `ready`, and `asked` for each. When it ends, none waits any longer. Where the kernel does not let it, ends with a status of 77. See fanotify(7)."""
import ctypes, os, struct, sys, time

FAN_CLASS_CONTENT, FAN_MARK_ADD, FAN_OPEN_EXEC_PERM, FAN_ALLOW = 0x4, 0x1, 0x40000, 0x1
AT_FDCWD = -100
EVENT = struct.Struct("=IBBHQii")

libc = ctypes.CDLL(None, use_errno=True)
libc.fanotify_mark.argtypes = [ctypes.c_int, ctypes.c_uint, ctypes.c_uint64, ctypes.c_int, ctypes.c_char_p]
group = libc.fanotify_init(FAN_CLASS_CONTENT, os.O_RDONLY)
path = sys.argv[1].encode()
if group < 0 or libc.fanotify_mark(group, FAN_MARK_ADD, FAN_OPEN_EXEC_PERM, AT_FDCWD, path) < 0:
    sys.exit(77)
print("ready", flush=True)
while True:
    events = os.read(group, 64 * EVENT.size)
    for place in range(0, len(events), EVENT.size):
        descriptor = EVENT.unpack_from(events, place)[5]
        print("asked", flush=True)
        time.sleep(float(sys.argv[2]))
        os.write(group, struct.pack("=iI", descriptor, FAN_ALLOW))
        os.close(descriptor)

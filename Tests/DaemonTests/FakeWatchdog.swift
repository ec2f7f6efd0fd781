import Foundation
import Glibc

/// A watchdog device without hardware: a library that is loaded into regend before all others and
/// answers for one path. What it is told to be, and what happens to it, are files in its directory.
final class FakeWatchdog {
    /// The library, made once; `nil`: there is no compiler.
    static let library: String? = {
        let base = "\(NSTemporaryDirectory())/regen-fake-watchdog-\(getpid())"
        guard (try? source.write(toFile: "\(base).c", atomically: false, encoding: .utf8)) != nil
        else { return nil }
        for compiler in ["cc", "clang", "gcc"] {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments = [
                compiler, "-shared", "-fPIC", "-o", "\(base).so", "\(base).c", "-ldl",
            ]
            process.standardError = FileHandle.nullDevice
            try? process.run()
            process.waitUntilExit()
            if process.terminationStatus == 0 { return "\(base).so" }
        }
        return nil
    }()

    let path: String
    private let directory: String

    /// The device `watchdog` in that directory.
    init(in directory: String) {
        self.directory = directory
        path = "\(directory)/watchdog"
        symlink("/dev/full", path)
    }

    /// What a shell does before it starts regend.
    var shell: String {
        "export LD_PRELOAD=\(Self.library ?? "") FAKE_WATCHDOG=\(path)"
    }

    /// What has happened to it, oldest first: `open`, `timeout 10`, `feed`, `magic`, `close`.
    var events: [String] {
        let text = try? String(contentsOfFile: "\(path).log", encoding: .utf8)
        return (text ?? "").split(separator: "\n").map(String.init)
    }

    var feedings: Int { events.count { $0 == "feed" } }

    /// `busy`: it cannot be opened; `broken`: it cannot be fed. Each is told to whoever listens.
    func set(_ state: String, _ isSo: Bool) {
        if isSo {
            _ = FileManager.default.createFile(atPath: "\(path).\(state)", contents: nil)
        } else {
            unlink("\(path).\(state)")
        }
        close(open(path, O_WRONLY))
    }

    /// Its driver takes time-outs up to this.
    func setMost(_ seconds: Int) throws {
        try "\(seconds)".write(toFile: "\(path).most", atomically: false, encoding: .utf8)
    }

    private static let source = #"""
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <errno.h>
        #include <fcntl.h>
        #include <linux/watchdog.h>
        #include <stdarg.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <unistd.h>

        static int device = -1, seconds = 60;

        static int says(const char *what) {
            char path[4096];
            snprintf(path, sizeof path, "%s.%s", getenv("FAKE_WATCHDOG"), what);
            return access(path, F_OK) == 0;
        }

        static void told(const char *what) {
            char path[4096];
            snprintf(path, sizeof path, "%s.log", getenv("FAKE_WATCHDOG"));
            FILE *log = fopen(path, "a");
            fprintf(log, "%s\n", what);
            fclose(log);
        }

        static int most(void) {
            char path[4096];
            int value = 3600;
            snprintf(path, sizeof path, "%s.most", getenv("FAKE_WATCHDOG"));
            FILE *file = fopen(path, "r");
            if (file) {
                if (fscanf(file, "%d", &value) != 1) value = 3600;
                fclose(file);
            }
            return value;
        }

        int open(const char *path, int flags, ...) {
            int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
            va_list rest;
            va_start(rest, flags);
            mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
            va_end(rest);
            const char *mine = getenv("FAKE_WATCHDOG");
            if (!mine || strcmp(path, mine)) return real(path, flags, mode);
            if (says("busy")) { errno = EBUSY; return -1; }
            device = real(path, flags, mode);
            told("open");
            return device;
        }

        int open64(const char *path, int flags, ...) __attribute__((alias("open")));

        ssize_t write(int file, const void *bytes, size_t count) {
            ssize_t (*real)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
            if (file != device || device < 0) return real(file, bytes, count);
            if (says("broken")) { errno = EIO; return -1; }
            told(*(const char *)bytes == 'V' ? "magic" : "feed");
            return count;
        }

        int close(int file) {
            int (*real)(int) = dlsym(RTLD_NEXT, "close");
            if (file == device && device >= 0) { device = -1; told("close"); }
            return real(file);
        }

        int ioctl(int file, unsigned long request, ...) {
            int (*real)(int, unsigned long, ...) = dlsym(RTLD_NEXT, "ioctl");
            va_list rest;
            va_start(rest, request);
            void *argument = va_arg(rest, void *);
            va_end(rest);
            if (file != device || device < 0) return real(file, request, argument);
            char line[64];
            switch (request) {
            case WDIOC_GETSUPPORT: {
                struct watchdog_info info = {.options = WDIOF_MAGICCLOSE | WDIOF_SETTIMEOUT};
                strcpy((char *)info.identity, "a fake");
                memcpy(argument, &info, sizeof info);
                return 0;
            }
            case WDIOC_SETTIMEOUT:
                seconds = *(int *)argument < most() ? *(int *)argument : most();
                *(int *)argument = seconds;
                snprintf(line, sizeof line, "timeout %d", seconds);
                told(line);
                return 0;
            case WDIOC_GETTIMEOUT: *(int *)argument = seconds; return 0;
            default: errno = ENOTTY; return -1;
            }
        }
        """#
}

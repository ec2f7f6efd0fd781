"""Everything a run leaves on the machine while it lasts, and its removal."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from . import processes
from .problem import Problem

SOURCES = Path(__file__).resolve().parent.parent
PR_SET_CHILD_SUBREAPER = 36

C_FLAGS = ["-std=gnu17", "-O2", "-Wall", "-Wextra", "-Werror"]
FREESTANDING = ["-static", "-nostdlib", "-fno-stack-protector", "-fno-pie", "-no-pie"]


class Scratch:
    """A folder in memory with the C programs, and a cgroup where one can be made.

    A context manager: at its end no process, file or cgroup of the run is left.
    """

    def __init__(self) -> None:
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.folder = Path(tempfile.mkdtemp(prefix="regen-bench-", dir=memory))
        self.floor = self.folder / "floor"
        self.service = self.folder / "service"
        self.cgroup: Path | None = None
        self._made = 0

    def __enter__(self) -> Scratch:
        # What a supervisor leaves behind becomes ours, so that it can be ended and reaped.
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        try:
            self._compile(self.floor, [])
            self._compile(self.service, FREESTANDING)
            self.cgroup = _new_cgroup()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        while left := processes.descendants(os.getpid()):
            processes.end(left)
        if self.cgroup is not None:
            _remove_cgroups(self.cgroup)
        shutil.rmtree(self.folder)

    def new_folder(self) -> Path:
        self._made += 1
        folder = self.folder / str(self._made)
        folder.mkdir()
        return folder

    def _compile(self, program: Path, flags: list[str]) -> None:
        compiler = os.environ.get("CC", "cc")
        source = SOURCES / program.name / f"{program.name}.c"
        command = [compiler, *C_FLAGS, *flags, "-o", str(program), str(source)]
        try:
            subprocess.run(command, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise Problem(f"cannot compile {source}: {error}; set CC to a C compiler") from error


def _new_cgroup() -> Path | None:
    """A cgroup of this run at the top of the unified hierarchy; None where we may not make one."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, mount, kind, *_ = line.split()
        if kind == "cgroup2":
            path = Path(mount) / f"regen-bench-{os.getpid()}"
            try:
                path.mkdir()
            except OSError:
                return None
            return path
    return None


def _remove_cgroups(top: Path) -> None:
    """Removes top with all below it, deepest first. No process may be left in it."""
    for path, _, _ in os.walk(top, topdown=False):
        os.rmdir(path)

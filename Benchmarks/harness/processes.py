"""What /proc says about processes."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

KILLING = 5.0  # seconds that the kernel has to end what was sent SIGKILL


def executable(pid: int) -> str:
    """The path of the program that pid runs; empty if there is no such process."""
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return ""


def all_pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def descendants(root: int) -> list[int]:
    """The children of root, their children, and so on."""
    children: dict[int, list[int]] = {}
    for pid in all_pids():
        if fields := _stat(pid):
            children.setdefault(int(fields[1]), []).append(pid)
    found = list(children.get(root, []))
    for pid in found:  # grows while we walk it
        found += children.get(pid, [])
    return found


def memory(pids: list[int]) -> int:
    """The proportional set size (PSS) of pids in bytes: shared pages count by share."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total


def switches(pids: list[int]) -> int:
    """How often the threads of pids were switched to or from: each wake-up costs at least one."""
    total = 0
    for pid in pids:
        for status in Path(f"/proc/{pid}/task").glob("*/status"):
            for line in status.read_text().splitlines():
                if "ctxt_switches" in line:
                    total += int(line.split()[1])
    return total


def libraries(pid: int) -> set[str]:
    """The names of the shared libraries that pid has mapped."""
    lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
    paths = (line.split(maxsplit=5)[5] for line in lines if ".so" in line)
    return {os.path.basename(path) for path in paths}


def unified_cgroup(pid: int) -> str:
    """The cgroup v2 path of pid, relative to the mount."""
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        if line.startswith("0::"):
            return line[3:]
    return ""


def has_ended(pid: int) -> bool:
    return _stat(pid)[:1] in ([], ["Z"], ["X"])


def end(pids: list[int], grace: float = 0) -> None:
    """SIGTERM if there is a grace (in seconds), then SIGKILL. pids must be ours to reap."""
    for signal_number, patience in ((signal.SIGTERM, grace), (signal.SIGKILL, KILLING)):
        if patience == 0:
            continue
        pids = [pid for pid in pids if not has_ended(pid)]
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal_number)
        deadline = time.monotonic() + patience
        while not all(map(has_ended, pids)) and time.monotonic() < deadline:
            time.sleep(0.01)
    _reap()


def _reap() -> None:
    """Collects every child that has ended, orphans that were re-parented to us included."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name: state, parent, …; empty if pid is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return []
    return text.rpartition(")")[2].split()

"""The FIFO on which the services of one supervisor report that they have started."""

from __future__ import annotations

import fcntl
import os
import select
import struct
from dataclasses import dataclass
from pathlib import Path

LAYOUT = struct.Struct("=QII")  # the same as in service/service.c
CAPACITY = 1 << 20  # bytes in the FIFO: the reports of 65,536 services, so that none ever waits
F_SETPIPE_SZ = 1031  # named in the fcntl module only since Python 3.10


@dataclass(frozen=True)
class Report:
    """A service ran its first instruction at this CLOCK_MONOTONIC time."""

    nanoseconds: int
    pid: int
    index: int


class Reports:
    """Reads what services write to a FIFO of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        os.mkfifo(path, 0o600)
        self._descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        fcntl.fcntl(self._descriptor, F_SETPIPE_SZ, CAPACITY)
        self._bytes = b""

    def close(self) -> None:
        os.close(self._descriptor)

    def arrived(self) -> list[Report]:
        """What can be read without waiting."""
        try:
            while chunk := os.read(self._descriptor, 1 << 16):
                self._bytes += chunk
        except BlockingIOError:
            pass
        whole = len(self._bytes) // LAYOUT.size * LAYOUT.size
        reports = [Report(*fields) for fields in LAYOUT.iter_unpack(self._bytes[:whole])]
        self._bytes = self._bytes[whole:]
        return reports

    def next(self, patience: float) -> list[Report]:
        """Waits at most patience seconds for at least one report."""
        select.select([self._descriptor], [], [], patience)
        return self.arrived()

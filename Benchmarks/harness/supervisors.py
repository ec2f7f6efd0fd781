"""The supervisors that are measured: the floor in C, and regend as a user starts it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from . import processes
from .problem import Problem
from .reports import Report, Reports
from .scratch import Scratch

PATIENCE = 60.0  # seconds for services to appear; a bar is missed long before
GRACE = 30.0  # seconds for a supervisor to end when asked; it stops up to 1,000 services
POLLING = 0.005  # seconds: coarse, so that a storm has the processors for itself
LIFETIME = 1.05  # seconds a service must have lived, so that no back-off is due
TAIL = 2000  # bytes of a supervisor's messages shown when it fails


class Supervisor:
    """Something that keeps services running."""

    def __init__(self, name: str, scratch: Scratch) -> None:
        self.name = name
        self.scratch = scratch

    def command(self, count: int, folder: Path, fifo: Path) -> list[str]:
        """The command that runs services 0 ..< count; folder is the supervisor's own."""
        raise NotImplementedError

    def check(self, run: Run) -> None:
        """Raises a Problem unless the started supervisor is what it should be."""

    @contextlib.contextmanager
    def running(self, count: int) -> Iterator[Run]:
        """Starts the supervisor, waits for its services, and ends all of them afterwards."""
        run = Run(self, count)
        try:
            run.await_all()
            self.check(run)
            yield run
        finally:
            run.end()


class Run:
    """One supervisor at work."""

    def __init__(self, supervisor: Supervisor, count: int) -> None:
        self.name = supervisor.name
        self.count = count
        self.services: dict[int, Report] = {}
        self._scratch = supervisor.scratch
        self._folder = supervisor.scratch.new_folder()
        self._messages = self._folder / "messages"
        self.reports = Reports(self._folder / "fifo")
        command = supervisor.command(count, self._folder, self.reports.path)
        with open(self._messages, "wb") as messages:
            self.pid = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=messages, stderr=messages,
                start_new_session=True,  # a Ctrl-C is for the harness, which then ends everything
            ).pid

    def end(self) -> None:
        """Asks the supervisor to end, and ends the services that it leaves."""
        processes.end([self.pid], GRACE)
        processes.end(self._living_services())
        self.reports.close()
        shutil.rmtree(self._folder)

    def family(self) -> list[int]:
        """The supervisor's own processes: itself, and its children that are not services."""
        service = str(self._scratch.service)
        children = processes.descendants(self.pid)
        return [self.pid] + [pid for pid in children if processes.executable(pid) != service]

    def _living_services(self) -> list[int]:
        """This run's services, known by the FIFO in their command line, whoever their parent is."""
        mark = f"{self.reports.path}\0".encode()
        found = []
        for pid in processes.all_pids():
            with contextlib.suppress(OSError):
                if mark in Path(f"/proc/{pid}/cmdline").read_bytes():
                    found.append(pid)
        return found

    def await_all(self) -> None:
        """Waits until every service has reported."""
        found: dict[int, Report] = {}
        deadline = time.monotonic() + PATIENCE
        while len(found) < self.count:
            if processes.has_ended(self.pid):
                raise self.problem("it ended")
            if time.monotonic() > deadline:
                raise self.problem(f"only {len(found)} of {self.count} services started")
            time.sleep(POLLING)
            found.update((report.index, report) for report in self.reports.arrived())
        self.services.update(found)

    def kill_one(self, index: int) -> float:
        """Kills one service; the milliseconds until its successor ran."""
        self.refuse_surprises()
        began = time.monotonic_ns()
        os.kill(self.services[index].pid, signal.SIGKILL)
        reports = self.reports.next(PATIENCE)
        if [report.index for report in reports] != [index]:
            raise self.problem(f"service {index} was killed, but the reports are {reports}")
        self.services[index] = reports[0]
        return (reports[0].nanoseconds - began) / 1e6

    def kill_all(self) -> float:
        """Kills every service at once; the milliseconds until the last successor ran."""
        self.refuse_surprises()
        pids = [service.pid for service in self.services.values()]
        began = time.monotonic_ns()
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        self.await_all()
        return (max(report.nanoseconds for report in self.services.values()) - began) / 1e6

    def refuse_surprises(self) -> None:
        """A service that restarts unasked spoils the numbers: say so instead of hiding it."""
        if surprises := self.reports.arrived():
            raise self.problem(f"services restarted that nobody killed: {surprises[:3]}")

    def age(self, index: int) -> float:
        """Seconds since the service started."""
        return (time.monotonic_ns() - self.services[index].nanoseconds) / 1e9

    def problem(self, what: str) -> Problem:
        tail = self._messages.read_bytes()[-TAIL:].decode(errors="replace")
        return Problem(f"{self.name}: {what}; its last messages:\n{tail or '(none)'}")


class Floor(Supervisor):
    """The least code that restarts services; slower by delay microseconds a restart."""

    def __init__(self, name: str, scratch: Scratch, delay: int = 0) -> None:
        super().__init__(name, scratch)
        self.delay = delay

    def command(self, count: int, folder: Path, fifo: Path) -> list[str]:
        scratch = self.scratch
        return [*map(str, (scratch.floor, count, scratch.service, fifo, self.delay))]


class Regend(Supervisor):
    """`regen run`; with leaves, every service in a cgroup of its own below that directory."""

    def __init__(self, name: str, scratch: Scratch, programs: Path, leaves: Path | None) -> None:
        super().__init__(name, scratch)
        self.program = programs / "regen"
        self.leaves = leaves

    def command(self, count: int, folder: Path, fifo: Path) -> list[str]:
        lines = [
            f"state_directory: {folder}/state",
            f"runtime_directory: {folder}/run",
            f"cgroup: {self.leaves or 'off'}",
            "defaults: { crash_loop: off }",
            "services:",
        ]
        for index in range(count):
            words = json.dumps([str(self.scratch.service), str(fifo), str(index)])
            lines.append(f"  bench{index}: {{ command: {words}, log: none }}")
        configuration = folder / "regen.yaml"
        configuration.write_text("\n".join(lines) + "\n")
        return [str(self.program), "run", "--config", str(configuration)]

    def check(self, run: Run) -> None:
        if os.path.basename(processes.executable(run.pid)) != "regend":
            raise run.problem("`regen run` did not replace itself with regend")
        if self.leaves is None:
            return
        places = {processes.unified_cgroup(report.pid) for report in run.services.values()}
        if len(places) != run.count or not all(f"/{self.leaves.name}/" in p for p in places):
            raise run.problem(f"the services are not in leaves of their own: {sorted(places)[:3]}")

"""The four measurements. Each takes the supervisors and returns lines beside their bars."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
import time
from dataclasses import dataclass

from . import processes
from .outcome import Outcome, median, percentile
from .problem import Problem
from .supervisors import LIFETIME, Run, Supervisor

MEGABYTE = 1e6
SETTLING = 3.0  # seconds after the start before memory is read
CALM = 10.0  # seconds after the start before wake-ups are counted
MEMORY_ROUNDS = 3
PAUSE = (0.020, 0.050)  # seconds between kills, drawn evenly: no phase is preferred

RESTART_P50, RESTART_P99 = 1.2, 2.0
STORM = 1.3
MEMORY_OF_ONE, MEMORY_OF_MANY = 2.0, 4.0  # MB
WAKEUPS = 0.0


@dataclass
class Subjects:
    """Who is measured: the floor, regend (plain, and with cgroup leaves where possible), and the
    command of the empty program, which prints a line when it is ready."""

    floor: Supervisor
    regend: Supervisor
    leaves: Supervisor | None
    empty: list[str]

    def supervisors(self) -> list[Supervisor]:
        return [self.floor, self.regend] + ([self.leaves] if self.leaves else [])


@dataclass
class Sizes:
    """How much is measured."""

    kills: int = 500
    services: int = 20
    rounds: int = 9
    many: int = 1000
    idle: float = 30.0
    seed: int = 1


def restart(subjects: Subjects, sizes: Sizes) -> list[Outcome]:
    """SIGKILL to the successor's first instruction, one service at a time, sides taking turns."""
    chance = random.Random(sizes.seed)
    times: dict[str, list[float]] = {side.name: [] for side in subjects.supervisors()}
    with contextlib.ExitStack() as stack:
        runs = [stack.enter_context(s.running(sizes.services)) for s in subjects.supervisors()]
        _require_same_scheduling(runs)
        for kill in range(sizes.kills):
            index = kill % sizes.services
            for run in runs:
                time.sleep(max(chance.uniform(*PAUSE), LIFETIME - run.age(index)))
                times[run.name].append(run.kill_one(index))
        for run in runs:
            run.refuse_surprises()
    floor = times[subjects.floor.name]
    outcomes = []
    for side in subjects.supervisors()[1:]:
        for label, share, bar in (("p50", 0.5, RESTART_P50), ("p99", 0.99, RESTART_P99)):
            outcomes.append(Outcome(
                f"restart, {side.name}: {label} of {sizes.kills}",
                percentile(floor, share), percentile(times[side.name], share), "ms", "ratio", bar,
                {"base": floor, "regend": times[side.name]}))
    return outcomes


def storm(subjects: Subjects, sizes: Sizes) -> list[Outcome]:
    """All services killed at once, until the last one is back; sides taking turns."""
    times: dict[str, list[float]] = {side.name: [] for side in subjects.supervisors()}
    with contextlib.ExitStack() as stack:
        runs = [stack.enter_context(s.running(sizes.many)) for s in subjects.supervisors()]
        for _ in range(sizes.rounds):
            for run in runs:
                time.sleep(LIFETIME)
                times[run.name].append(run.kill_all())
        for run in runs:
            run.refuse_surprises()
    floor = times[subjects.floor.name]
    return [
        Outcome(
            f"{sizes.many} killed, {side.name}: median of {sizes.rounds}", median(floor),
            median(times[side.name]), "ms", "ratio", STORM if side is subjects.regend else None,
            {"base": floor, "regend": times[side.name]})
        for side in subjects.supervisors()[1:]
    ]


def memory(subjects: Subjects, sizes: Sizes) -> list[Outcome]:
    """PSS at rest. The base and regend are never alive together: shared pages would be halved."""
    empty: list[float] = []
    one: list[float] = []
    many: list[float] = []
    after: list[float] = []
    for _ in range(MEMORY_ROUNDS):
        base, base_libraries = _memory_of_empty(subjects.empty)
        empty.append(base)
        with subjects.regend.running(1) as run:
            one.append(_memory_at_rest(run))
        with subjects.regend.running(sizes.many) as run:
            many.append(_memory_at_rest(run))
            more = processes.libraries(run.pid) - base_libraries
            run.kill_all()
            after.append(_memory_at_rest(run))
    if more:
        _note(f"regend maps libraries that the empty program does not: {sorted(more)}")
    lines = [
        ("1 service", one, MEMORY_OF_ONE),
        (f"{sizes.many} services", many, MEMORY_OF_MANY),
        (f"{sizes.many} services, after one restart each", after, None),
    ]
    return [
        Outcome(f"memory, {what}", median(empty), median(values), "MB", "difference", bar,
                {"base": empty, "regend": values})
        for what, values, bar in lines
    ]


def idle(subjects: Subjects, sizes: Sizes) -> list[Outcome]:
    """Context switches of all threads while nothing happens."""
    sides = [subjects.floor, subjects.regend]
    with contextlib.ExitStack() as stack:
        runs = [stack.enter_context(side.running(sizes.many)) for side in sides]
        time.sleep(CALM)
        before = [processes.switches(run.family()) for run in runs]
        time.sleep(sizes.idle)
        after = [processes.switches(run.family()) for run in runs]
    floor, regend = (float(b - a) for a, b in zip(before, after))
    return [Outcome(f"wake-ups in {sizes.idle:g} s, {sizes.many} idle services", floor, regend, "",
                    "count", WAKEUPS)]


MEASUREMENTS = {"restart": restart, "storm": storm, "memory": memory, "idle": idle}


def _memory_at_rest(run: Run) -> float:
    time.sleep(SETTLING)
    run.refuse_surprises()
    return processes.memory(run.family()) / MEGABYTE


def _memory_of_empty(command: list[str]) -> tuple[float, set[str]]:
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as process:
        try:
            if not process.stdout.readline():
                raise Problem(f"{command[0]} ended before it was ready")
            time.sleep(SETTLING)
            pid = process.pid
            return processes.memory([pid]) / MEGABYTE, processes.libraries(pid)
        finally:
            process.kill()


def _require_same_scheduling(runs: list[Run]) -> None:
    """A supervisor that gives its services another priority cannot be compared."""
    policies = {r.name: os.sched_getscheduler(r.services[0].pid) for r in runs}
    if len(set(policies.values())) > 1:
        _note(f"services run under different scheduling policies: {policies}")


def _note(text: str) -> None:
    print(f"note: {text}", file=sys.stderr)

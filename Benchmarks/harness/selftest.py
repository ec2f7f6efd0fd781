"""The harness's own test: measures the floor as if it were regend."""

from __future__ import annotations

import os
from pathlib import Path

from . import processes
from .measurements import MEASUREMENTS, Sizes, Subjects
from .outcome import Outcome, median, percentile, table
from .problem import Problem
from .scratch import Scratch
from .supervisors import Floor, Supervisor

SMALL = Sizes(kills=60, rounds=3, many=100, idle=2.0)
DELAY = 2000  # microseconds: several times what a restart takes


def self_test() -> bool:
    """Prints what holds and what does not; true if all of it holds."""
    checks = {
        "percentiles are by nearest rank": _percentiles(),
        "the floor is as fast as itself": _equal_sides(),
        "a delayed restart misses the bars": _delayed_side(),
        "a supervisor that ends at once is reported, not waited for": _broken_side(),
        "nothing is left behind": _nothing_left(),
    }
    for what, holds in checks.items():
        print(f"{'ok    ' if holds else 'FAILED'}  {what}")
    return all(checks.values())


def _percentiles() -> bool:
    values = [float(value) for value in range(1, 501)]
    return percentile(values, 0.99) == 495 and median([3.0, 1.0, 2.0]) == 2


def _equal_sides() -> bool:
    with Scratch() as scratch:
        outcomes = _measure(scratch, Floor("floor as regend", scratch), list(MEASUREMENTS))
    # p99 and memory say little about so short a run; medians and wake-ups must agree.
    return all(outcome.held is not False for outcome in outcomes if "p99" not in outcome.what)


def _delayed_side() -> bool:
    with Scratch() as scratch:
        slow = Floor("slow floor as regend", scratch, DELAY)
        outcomes = _measure(scratch, slow, ["restart", "storm"])
    return all(outcome.held is False for outcome in outcomes if outcome.bar is not None)


def _broken_side() -> bool:
    class Broken(Supervisor):
        def command(self, count: int, folder: Path, fifo: Path) -> list[str]:
            return ["/bin/sh", "-c", "echo no such key >&2; exit 2"]

    with Scratch() as scratch:
        try:
            _measure(scratch, Broken("broken", scratch), ["restart"])
        except Problem as problem:
            return "it ended" in str(problem) and "no such key" in str(problem)
    return False


def _nothing_left() -> bool:
    with Scratch() as scratch:
        with Floor("floor", scratch).running(10):
            pass
        alive = processes.descendants(os.getpid())
    folders = [scratch.folder, *([scratch.cgroup] if scratch.cgroup else [])]
    return not alive and not any(folder.exists() for folder in folders)


def _measure(scratch: Scratch, regend: Supervisor, names: list[str]) -> list[Outcome]:
    floor = Floor("floor", scratch)
    idle = [str(scratch.floor), "0", str(scratch.service), "unused"]
    empty = ["/bin/sh", "-c", 'echo ready; exec "$@"', "sh", *idle]
    subjects = Subjects(floor, regend, None, empty)
    outcomes = [line for name in names for line in MEASUREMENTS[name](subjects, SMALL)]
    print(table(outcomes), end="\n\n")
    return outcomes

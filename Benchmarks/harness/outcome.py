"""One measured line beside its bar."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field


@dataclass
class Outcome:
    """What was measured of the base (floor or empty program) and of regend.

    `compared` says what `measured` is: the "ratio" regend / base, the "difference" regend − base, or
    regend's own "count". `bar` is the most it may be; None where a line only informs.
    """

    what: str
    base: float
    regend: float
    unit: str
    compared: str
    bar: float | None
    samples: dict[str, list[float]] = field(default_factory=dict)

    @property
    def measured(self) -> float:
        if self.compared == "ratio":
            return self.regend / self.base
        return self.regend - self.base if self.compared == "difference" else self.regend

    @property
    def held(self) -> bool | None:
        return None if self.bar is None else self.measured <= self.bar

    def as_json(self) -> dict[str, object]:
        return {**dataclasses.asdict(self), "measured": self.measured, "held": self.held}

    def cells(self) -> list[str]:
        """what, base, regend, compared, bar, verdict"""
        verdict = {None: "", True: "held", False: "MISSED"}[self.held]
        return [
            self.what, self._amount(self.base), self._amount(self.regend),
            self._comparison(self.measured, ""),
            "" if self.bar is None else self._comparison(self.bar, "≤ "), verdict,
        ]

    def _amount(self, value: float) -> str:
        return f"{value:.0f}" if self.unit == "" else f"{value:.3f} {self.unit}"

    def _comparison(self, value: float, sign: str) -> str:
        if self.compared == "ratio":
            return f"{sign}{value:.2f} ×"
        if self.compared == "difference":
            return f"{sign}{value:+.2f} {self.unit}"
        return f"{sign}{value:.0f}"


def percentile(values: list[float], share: float) -> float:
    """The nearest-rank percentile: share 0.99 of 500 values is the 495th."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(share * len(ranked)) - 1)]


def median(values: list[float]) -> float:
    return percentile(values, 0.5)


def table(outcomes: list[Outcome]) -> str:
    rows = [["what", "base", "regend", "measured", "bar", ""]]
    rows += [outcome.cells() for outcome in outcomes]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(_line(row, widths) for row in rows)


def _line(row: list[str], widths: list[int]) -> str:
    """The first and the last column lean left, the numbers between them right."""
    first, *numbers, last = row
    cells = [cell.rjust(width) for cell, width in zip(numbers, widths[1:-1])]
    return "  ".join([first.ljust(widths[0]), *cells, last]).rstrip()

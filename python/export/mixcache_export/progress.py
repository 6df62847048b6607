"""Where an export is: a bar in a terminal, else a line for each unit."""

import sys
import time

from tqdm import tqdm

from .units import Unit

GB = 1e9


class Progress:
    """Counts bytes of weights; units that were finished before count as done."""

    def __init__(self, units: list[Unit], finished: set[str]):
        self.units, self.started = units, time.monotonic()
        self.total = sum(unit.file_bytes for unit in units)
        self.before = self.done = sum(unit.file_bytes for unit in units if unit.name in finished)
        self.bar = None
        if sys.stderr.isatty():
            self.bar = tqdm(total=self.total, initial=self.done, unit="B", unit_scale=True, dynamic_ncols=True)

    def begin(self, unit: Unit) -> None:
        if self.bar is not None:
            self.bar.set_description(f"{self.units.index(unit) + 1} of {len(self.units)} {unit.name}")

    def say(self, line: str) -> None:
        print(line, flush=True) if self.bar is None else self.bar.write(line)

    def end(self, unit: Unit) -> None:
        self.done += unit.file_bytes
        if self.bar is not None:
            self.bar.update(unit.file_bytes)
            return
        rate = (self.done - self.before) / (time.monotonic() - self.started)
        left = (self.total - self.done) / rate if rate else 0
        number = f"{self.units.index(unit) + 1} of {len(self.units)}"
        self.say(f"{number} {unit.name}: {self.done / GB:.2f} of {self.total / GB:.2f} GB, about {left:.0f} s left")

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()

"""What happened in one simulated run, in order: for the person who looks at a failure."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

TAIL_LINES = 30


@dataclass(frozen=True, slots=True)
class Event:
    """`keys`: the order numbers that it is about, and their versions; None where it is about all."""

    at_s: float
    who: str
    text: str
    keys: Mapping[str, str] | None
    for_all: bool

    def told(self, order: str) -> str:
        version = "" if self.keys is None else f"  [{self.keys.get(order, 'without this record')}]"
        return f"  {self.at_s:7.3f} s  {self.who:5}  {self.text}{version}"


@dataclass(slots=True)
class Events:
    """Park, line and agents write here."""

    began_s: float = field(default_factory=time.monotonic)
    told: list[Event] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, who: str, text: str, keys: Mapping[str, str] | None = None, *, for_all: bool = False) -> None:
        with self.lock:
            self.told.append(Event(time.monotonic() - self.began_s, who, text, keys, for_all or keys is None))

    def tail(self, order: str) -> str:
        """The last that happened to one order number, beside what happened to all."""
        with self.lock:
            found = [one for one in self.told if one.for_all or order in (one.keys or ())]
        return "\n".join(one.told(order) for one in found[-TAIL_LINES:])

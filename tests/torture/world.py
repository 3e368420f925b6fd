"""Runs: a gateway under load, one kind of trouble at a random moment, then all books are read."""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Final

import psycopg
from bench.cluster import Server, running_server

from support.tcp_proxy import Cut, Proxy
from torture.books import Diary, Verdict, judge, read_books
from torture.load import SHARED, Client, Load
from torture.running import TorturedGateway
from torture.sweep import sweep
from torture.vfs import Fault
from torture.weather import SharedWeather

CLIENTS: Final = 6
WARM_REQUESTS: Final = 15
CLOCK_OFF_S_MAX: Final = 3 * 86_400
ROOM_S: Final = 30.0
# A life has some 320 operations.
SWEEP_STRIDE: Final = 40
SWEEPS: Final[tuple[tuple[Fault, int], ...]] = (
    ("eio", 0),
    ("full", 0),
    ("full", 30),
    ("short", 0),
    ("cut", 0),
    ("cut", 0),
)


@dataclass
class Figures:
    """What has happened so far."""

    runs: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    faults: int = 0
    acknowledged: int = 0
    lost: int = 0
    stored_anyway: int = 0
    wrong: list[str] = field(default_factory=list)

    def told(self) -> str:
        runs = ", ".join(f"{name} {count}" for name, count in sorted(self.runs.items()))
        return (
            f"{sum(self.runs.values())} runs ({runs}); {self.kills} kills, {self.faults} faults; "
            f"{self.acknowledged} records acknowledged, {self.lost} lost; "
            f"{self.stored_anyway} requests stored though their answer was 500 or 503"
        )


class Home:
    """One database, its clients, and the gateways that serve it one after another."""

    def __init__(self, folder: Path, url: str, seed: int, server: Server | None) -> None:
        self.chance = random.Random(seed)
        self.url = url
        self.server = server
        self.diary = Diary()
        self.clients = [Client(number, random.Random(seed * 100 + number), self.diary) for number in range(CLIENTS)]
        self.weather = SharedWeather(folder / "weather", self.chance)
        self.gateway = TorturedGateway(
            folder, {"VIPGATE_DATABASE": url, "VIPGATE_SHUTDOWN_TIMEOUT_S": "5"}, weather=folder / "weather"
        )
        for park_uuid in (*SHARED, *[client.own_park for client in self.clients]):
            self.gateway.add_park(park_uuid)

    def close(self) -> None:
        if self.gateway.process is not None:
            self.gateway.kill()
        self.weather.close()


class Run:
    """One run in a home; `kinds` are the names of its methods."""

    def __init__(self, home: Home, figures: Figures) -> None:
        self.home = home
        self.figures = figures
        self.chance = home.chance
        self.gateway = home.gateway
        self.weather = home.weather
        self.load = Load(home.gateway, home.clients, home.diary)

    def run(self, kind: str) -> None:
        """Raises AssertionError where the gateway does not do as it must."""
        before = self.weather.struck
        if self.chance.random() < 0.5:
            self.weather.set_clock(self.chance.randrange(-CLOCK_OFF_S_MAX, CLOCK_OFF_S_MAX) * 1_000_000)
        trouble: Callable[[], None] = getattr(self, kind)
        trouble()
        self.load.stop()
        if self.gateway.process is not None:
            self._end()
        self.figures.faults += self.weather.struck - before
        assert not self.load.faults, self.load.faults[0]

    def _end(self) -> None:
        """In order or by force: what is written must be good for both."""
        if self.chance.random() < 0.5:
            self._kill()
        else:
            assert self.gateway.stop() == 0, "does not stop in order"

    def _kill(self) -> None:
        self.gateway.kill()
        self.figures.kills += 1

    def _start(self, *flags: str) -> None:
        self.gateway.seed = self.chance.randrange(10**9)
        self.gateway.start(*flags)
        self.load.start()
        self._progress()

    def _progress(self) -> None:
        assert self.load.progress(WARM_REQUESTS), f"takes no pushes any more; {self.load.faults}"

    def _wait(self) -> None:
        time.sleep(self.chance.uniform(0.0, 0.5))

    # ---- on both engines -------------------------------------------------------------------------------------------

    def gateway_killed(self) -> None:
        self._start()
        self._wait()
        self._kill()

    def clock_jumping(self) -> None:
        self._start()
        for _ in range(10):
            self.weather.set_clock(self.chance.randrange(-CLOCK_OFF_S_MAX, CLOCK_OFF_S_MAX) * 1_000_000)
            self._progress()

    # ---- SQLite ----------------------------------------------------------------------------------------------------

    def power_cut(self) -> None:
        # The admin process has the file open too, and another disk before it.
        self._start("--no-admin")
        self.weather.cut_after(self.chance.randrange(1, 300))
        self.gateway.wait_for_end()
        self.weather.calm()
        self.figures.kills += 1

    def disk_failing(self) -> None:
        self._start()
        self.weather.storm(self.chance.choice((5, 50, 300, 1000)))
        self._wait()
        self.weather.calm()
        self._progress()

    def disk_full(self) -> None:
        self._start()
        self.weather.fill_up()
        self._wait()
        self.weather.calm()
        self._progress()

    # ---- PostgreSQL ------------------------------------------------------------------------------------------------

    @property
    def _server(self) -> Server:
        assert self.home.server is not None
        return self.home.server

    def server_killed(self) -> None:
        self._start(*self._workers())
        self._wait()
        self._server.kill()
        self.figures.kills += 1
        self._wait()
        self._server.start()
        self._progress()

    def worker_killed(self) -> None:
        self._start("--workers", "2")
        for _ in range(3):
            self._wait()
            workers = self.gateway.workers()
            if workers:
                self.chance.choice(workers).kill()
                self.figures.kills += 1
            self._progress()

    def server_full(self) -> None:
        self._start(*self._workers())
        largest = max(one.stat().st_size for one in (self._server.folder / "base").rglob("*"))
        before = len(self.home.diary.refused)
        self._server.limit_files(self.chance.choice((8192, largest)))
        self._wait()
        self._room_again()
        self.figures.faults += len(self.home.diary.refused) - before
        self._progress()

    def _room_again(self) -> None:
        """Twice, for a child that is born meanwhile. A server that could not even write its log ends itself."""
        server = self._server
        for _ in range(2):
            if server.process is not None and server.process.poll() is None:
                server.limit_files(None)
        end_s = time.monotonic() + ROOM_S
        while True:
            if server.process is None or server.process.poll() is not None:
                server.process = None
                server.start()
            with suppress(psycopg.OperationalError), psycopg.connect(server.url(), connect_timeout=2):
                return
            assert time.monotonic() < end_s, "the server does not come back"
            time.sleep(0.05)

    def line_cut(self) -> None:
        with Proxy(self.home.url) as line:
            self.gateway.settings["VIPGATE_DATABASE"] = line.url
            try:
                self._start(*self._workers())
                for _ in range(10):
                    mark = self.chance.choice((b"COMMIT", b"INSERT", b"BEGIN"))
                    line.cut(Cut(mark, after_answer=self.chance.random() < 0.5))
                    self._progress()
                self.figures.faults += line.cuts
                self.load.stop()
                self._end()
            finally:
                self.gateway.settings["VIPGATE_DATABASE"] = self.home.url

    def backends_ended(self) -> None:
        self._start(*self._workers())
        for _ in range(5):
            with psycopg.connect(self._server.url(), autocommit=True) as db:
                ended = db.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'vipgate'"
                ).fetchall()
            self.figures.faults += len(ended)
            self._progress()

    def _workers(self) -> tuple[str, ...]:
        return self.chance.choice(((), ("--workers", "2")))


KINDS: Final = {
    "sqlite": ("gateway_killed", "power_cut", "disk_failing", "power_cut", "disk_full", "clock_jumping"),
    "postgres": (
        "gateway_killed", "server_killed", "worker_killed", "server_full", "line_cut", "backends_ended", "clock_jumping",
    ),
}  # fmt: skip
# The line breaks once and is there again: whether a commit went through is to be found out.
EXACT: Final = ("line_cut", "backends_ended")


class Torture:
    """Run after run until the time is over or something is wrong."""

    def __init__(self, seed: int, folder: Path, say: Callable[[str], None]) -> None:
        self.figures = Figures()
        self._seed = seed
        self._folder = folder
        self._say = say
        self._homes = 0

    def run(self, seconds: float, engines: Sequence[str] = tuple(KINDS)) -> Figures:
        with running_server() if "postgres" in engines else nullcontext() as server:
            end_s = time.monotonic() + seconds
            for engine in cycle(engines):
                if time.monotonic() > end_s or self.figures.wrong:
                    return self.figures
                self._homes += 1
                with self._home(engine, server) as home:
                    self._troubles(home, engine, end_s)
                if engine == "sqlite":
                    self._sweep(end_s)
        raise AssertionError

    @contextmanager
    def _home(self, engine: str, server: Server | None) -> Iterator[Home]:
        folder = self._folder / f"home-{self._homes}"
        folder.mkdir()
        url = f"sqlite:///{folder / 'vipgate.db'}"
        if engine == "postgres" and server is not None:
            url = server.make_database(f"torture-{self._homes}")
        home = Home(folder, url, self._seed * 1_000 + self._homes, server if engine == "postgres" else None)
        try:
            yield home
        finally:
            home.close()
            if not self.figures.wrong:
                shutil.rmtree(folder)

    def _troubles(self, home: Home, engine: str, end_s: float) -> None:
        """Each kind once, in any order."""
        verdict, anyway = Verdict(), 0
        for kind in home.chance.sample(KINDS[engine], len(KINDS[engine])):
            if time.monotonic() > end_s or self.figures.wrong:
                break
            self.figures.runs[kind] += 1
            try:
                Run(home, self.figures).run(kind)
                verdict = judge(read_books(home.url), home.diary)
            except AssertionError as error:
                verdict.faults.append(str(error))
            if kind in EXACT and verdict.stored_anyway > anyway:
                verdict.faults.append("a request that is stored got 503, though the server could have been asked again")
            anyway = verdict.stored_anyway
            if verdict.faults:
                self._wrong(f"{engine}, {kind}: {verdict.told()}")
            self._say(
                f"{engine:8} {kind:15} {home.diary.records} records acknowledged here, {verdict.lost} lost, {anyway} stored anyway"
            )
        self.figures.acknowledged += home.diary.records
        self.figures.lost += verdict.lost
        self.figures.stored_anyway += verdict.stored_anyway

    def _sweep(self, end_s: float) -> None:
        """Some lives of the sweep, at operations that are others each time."""
        fault, more = SWEEPS[self.figures.runs["sweep"] % len(SWEEPS)]
        if time.monotonic() > end_s or self.figures.wrong:
            return
        self.figures.runs["sweep"] += 1
        with tempfile.TemporaryDirectory() as folder:
            for life, verdict in sweep(Path(folder), fault, self._seed + self._homes, more=more, stride=SWEEP_STRIDE):
                self.figures.faults += len(life.weather.struck)
                self.figures.acknowledged += life.diary.records
                self.figures.lost += verdict.lost
                if verdict.faults:
                    self._wrong(f"sweep, {fault} at {life.weather.at} ({life.weather.struck}): {verdict.told()}")

    def _wrong(self, what: str) -> None:
        again = f"again: make torture TORTURE_SEED={self._seed}; the dice fall alike, the timing does not"
        self.figures.wrong.append(f"{what}\n{again}\nfolder: {self._folder}")

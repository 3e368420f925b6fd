"""A gateway process on the disk and with the clock of the torture."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from support.gateway_process import Gateway

END_S = 60.0


@dataclass
class TorturedGateway(Gateway):
    """See above; `seed` is of its dice."""

    weather: Path = field(kw_only=True)
    seed: int = 0

    @property
    def environment(self) -> dict[str, str]:
        return super().environment | {
            "TORTURE_WEATHER": str(self.weather),
            "TORTURE_SEED": str(self.seed),
            "PYTHONPATH": os.pathsep.join(
                [str(Path(__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
            ),
        }

    def start(self, *flags: str) -> TorturedGateway:
        command = [sys.executable, "-m", "torture.entry", "serve", "--port", "0", *flags]
        with (self.home / "log").open("a") as log:
            self.process = subprocess.Popen(
                command, env=self.environment, cwd=self.home, stdout=subprocess.PIPE, stderr=log, text=True
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"does not start: {(self.home / 'log').read_text()[-2000:]}"
        self.outside = line.split()[-1]
        return self

    def wait_for_end(self) -> None:
        """Until it is gone by itself."""
        assert self.process is not None
        assert self.process.stdout is not None
        self.process.wait(END_S)
        self.process.stdout.close()
        self.process = None

    def workers(self) -> list[psutil.Process]:
        """The processes that take pushes."""
        assert self.process is not None
        children = psutil.Process(self.process.pid).children()
        alive = [one for one in children if one.status() != psutil.STATUS_ZOMBIE]
        return [one for one in alive if "vipgate.admin.main" not in one.cmdline()]

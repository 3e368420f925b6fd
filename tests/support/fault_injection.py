"""Makes one function of a real `vipgate` process raise: a module that Python itself imports before anything else."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

WORD: Final = "sabotage of the tests"
_MODULE: Final = f'''
import importlib, inspect, os, time

class Panic(BaseException):
    """As pyo3 has it: no Exception."""

def sabotage(module, name, times, kind):
    holder = importlib.import_module(module)
    *path, last = name.split(".")
    for one in path:
        holder = getattr(holder, one)
    real, left = getattr(holder, last), [int(times)]

    def fails():
        left[0] -= 1
        return left[0] >= 0

    def fault():
        if kind == "hang":
            time.sleep(1e6)
        return (Panic if kind == "panic" else ValueError)({WORD!r})

    async def broken_task(*given, **named):
        if fails():
            raise fault()
        return await real(*given, **named)

    def broken(*given, **named):
        if fails():
            raise fault()
        return real(*given, **named)

    setattr(holder, last, broken_task if inspect.iscoroutinefunction(real) else broken)

if "SABOTAGE" in os.environ:
    # Run by `-m` the module would be another one than what is imported by its name.
    admin_process = importlib.import_module("vipgate.gateway.admin_process")
    admin_process._COMMAND = (*admin_process._COMMAND[:2], "-c", "from vipgate.admin.main import main; main()")
    sabotage(*os.environ["SABOTAGE"].split(":"))
'''


def sabotaged(folder: Path, target: str, *, times: int = 1_000_000, kind: str = "error") -> dict[str, str]:
    """The environment of a process in which `target`, `module:name`, raises so many times before it works again.

    `kind`: an error, a panic, or a call that hangs for good.
    """
    made = folder / "sabotage"
    made.mkdir(exist_ok=True)
    (made / "sitecustomize.py").write_text(_MODULE, encoding="utf-8")
    paths = [str(made), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"PYTHONPATH": os.pathsep.join(paths), "SABOTAGE": f"{target}:{times}:{kind}"}

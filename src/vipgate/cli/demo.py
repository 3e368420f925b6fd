"""`vipgate demo`: runs a gateway on this machine with the interface page's example and sample records."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Annotated, Final

import httpx
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from vipgate.cli.sample import PAGE_BODY, PAGE_PARK_UUID, PAGE_SECRET, sample_renewals
from vipgate.clock import clock_us
from vipgate.errors import UsageError
from vipgate.protocol.authentication import signed_headers
from vipgate.protocol.envelope import encode_renewals
from vipgate.support.background import start_thread
from vipgate.support.private_files import open_private

RECORDS: Final = 2_000
ROWS_A_BATCH: Final = 250
STOP_WAIT_S: Final = 30
WELCOME_WAIT_S: Final = 10

console = Console(highlight=False, soft_wrap=True)


def demo(
    port: Annotated[int, typer.Option(help="Public port; if it is taken, any free port.")] = 8080,
    stay: Annotated[bool, typer.Option("--stay/--no-stay", help="Keep serving until Ctrl-C.")] = True,
) -> None:
    """Start a gateway on a temporary database, push the page's example and 2,000 sample records, and keep serving."""
    # SIGTERM must stop the gateway too, like Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="vipgate-demo-") as home:
        environment = {name: text for name, text in os.environ.items() if not name.startswith("VIPGATE_")}
        environment["VIPGATE_HOME"] = home
        log = Path(home) / "gateway.log"
        with open(log, "w", encoding="utf-8", opener=open_private) as log_file:
            server, push_url, admin_url = _start(environment, port, log_file)
            welcome = FirstAccountLink(server)
            try:
                _walk(environment, push_url)
                _show_addresses(home, push_url, admin_url, welcome.url())
                if stay:
                    console.print("\nServing. Ctrl-C stops it and deletes the temporary data.")
                    server.wait()
                    raise UsageError(f"The gateway ended with status {server.returncode}: {_end_of(log)}")
            except KeyboardInterrupt:
                console.print("\nStopping …")
            finally:
                _stop(server)
    console.print("Stopped; the temporary data is deleted.")


def _start(environment: dict[str, str], port: int, log_file: IO[str]) -> tuple[subprocess.Popen[str], str, str]:
    """Starts a gateway process on `port` or any free port. Returns it with its public and admin address."""
    for wanted in (port, 0):
        command = [sys.executable, "-m", "vipgate", "serve", "--host", "127.0.0.1", "--port", str(wanted)]
        server = subprocess.Popen(  # noqa: S603 - our own interpreter and arguments
            command, env=environment, stdout=subprocess.PIPE, stderr=log_file, text=True, start_new_session=True
        )
        addresses = list(_announced(server))
        if len(addresses) == 2:
            if wanted == 0:
                console.print(f"Port {port} is taken; using another.")
            return server, addresses[0], addresses[1]
        server.wait(STOP_WAIT_S)
    raise UsageError(f"The gateway did not start: {_end_of(Path(log_file.name))}")


def _end_of(log: Path) -> str:
    return log.read_text(encoding="utf-8")[-500:]


def _announced(server: subprocess.Popen[str]) -> Iterator[str]:
    for line in islice(server.stdout or (), 2):
        yield line.split()[-1]


class FirstAccountLink:
    """Waits for the link that creates the first account; the admin process prints it once it serves."""

    def __init__(self, server: subprocess.Popen[str]) -> None:
        self._server = server
        self._said = threading.Event()
        self._url = ""
        start_thread(self._read, "vipgate-welcome")

    def _read(self) -> None:
        for line in self._server.stdout or ():
            if line.startswith("welcome"):
                self._url = line.split()[-1]
                self._said.set()

    def url(self) -> str:
        """Returns the link; empty if it does not come in time."""
        self._said.wait(WELCOME_WAIT_S)
        return self._url


def _walk(environment: dict[str, str], push_url: str) -> None:
    """Registers the page's park and pushes; prints every response."""
    console.rule("1. register the park of the interface page", align="left")
    add = [sys.executable, "-m", "vipgate", "park", "add", PAGE_PARK_UUID, "--name", "示例停车场", "--secret", "-"]
    subprocess.run(add, env=environment, input=PAGE_SECRET + "\n", text=True, check=True)  # noqa: S603 - ours
    with httpx.Client(trust_env=False, timeout=30) as client:
        console.rule("2. push the page's own example", align="left")
        _push(client, push_url, PAGE_BODY, signed_headers(PAGE_BODY, PAGE_SECRET))
        console.rule("3. the same with a wrong signature", align="left")
        _push(client, push_url, PAGE_BODY, signed_headers(PAGE_BODY, "not the secret"), expected="401")
        console.rule(f"4. a snapshot of {RECORDS} records in batches of {ROWS_A_BATCH}", align="left")
        _push_snapshot(client, push_url)


def _push_snapshot(client: httpx.Client, push_url: str) -> None:
    renewals = sample_renewals(RECORDS, seed=20211, until_us=clock_us())
    columns = (TextColumn("records"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("push", total=RECORDS)
        while batch := list(islice(renewals, ROWS_A_BATCH)):
            body = encode_renewals(PAGE_PARK_UUID, batch)
            _push(client, push_url, body, signed_headers(body, PAGE_SECRET))
            progress.advance(task, len(batch))


def _push(client: httpx.Client, url: str, body: bytes, headers: dict[str, str], expected: str = "1001") -> None:
    answer = client.post(url, content=body, headers=headers)
    console.print(f"[dim]{answer.status_code}[/dim] {escape(answer.text)}")
    if answer.json()["code"] != expected:
        raise UsageError(f"The gateway answered {answer.json()['code']} where {expected} was due.")


def _show_addresses(home: str, push_url: str, admin_url: str, welcome_url: str) -> None:
    base = push_url.partition("/gate/")[0]
    console.rule("look at it", align="left")
    console.print(f"push here       {push_url}")
    console.print(f"health          {base}/healthz")
    console.print(f"readiness       {admin_url}readyz")
    console.print(f"metrics         {admin_url}metrics")
    console.print(f"console         {admin_url}")
    if welcome_url:
        console.print(f"first account   {welcome_url}")
    vipgate = f"VIPGATE_HOME={home} {Path(sys.argv[0])}"
    console.print(f"the park        {vipgate} park show {PAGE_PARK_UUID}")
    console.print(f"its records     {vipgate} export {PAGE_PARK_UUID}")
    console.print(f"one request     {vipgate} request SEQNO")


def _stop(server: subprocess.Popen[str]) -> None:
    """Stops the gateway as an operator would, and waits for it."""
    if server.poll() is None:
        server.send_signal(signal.SIGTERM)
    try:
        server.wait(STOP_WAIT_S)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()

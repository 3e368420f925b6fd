"""Root of the command line: registers the commands and prints their errors."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from vipgate import __version__
from vipgate.cli.accounts import audit, erase, token, user
from vipgate.cli.agent import agent
from vipgate.cli.agent_dead_letters import dead
from vipgate.cli.agent_reconcile import verify
from vipgate.cli.agent_setup import check, init, install_service
from vipgate.cli.backup import backup
from vipgate.cli.common import Config, DatabaseOption
from vipgate.cli.copy import copy_
from vipgate.cli.demo import demo
from vipgate.cli.exposure import gateway_files, log_exposed
from vipgate.cli.ledger import export, migrate, request, sign_
from vipgate.cli.park import park
from vipgate.cli.park_snapshots import allow_replace, dismiss_replace, generations, held, restore
from vipgate.cli.push import push
from vipgate.cli.rekey import rekey
from vipgate.errors import VipgateError
from vipgate.gateway.settings import load_settings
from vipgate.gateway.supervisor import run_server
from vipgate.support.address_masking import mask
from vipgate.support.logs import set_up_logs, show_traceback

app = typer.Typer(
    name="vipgate",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Keeps a parking platform's ledger of renewals in sync with its car parks.",
)
app.add_typer(park, name="park")
park.command("generations")(generations)
park.command("restore")(restore)
park.command("held")(held)
park.command("allow-replace")(allow_replace)
park.command("dismiss-replace")(dismiss_replace)
app.add_typer(user, name="user")
app.add_typer(token, name="token")
app.add_typer(agent, name="agent")
agent.command("init")(init)
agent.command("check")(check)
agent.command("verify")(verify)
agent.command("install-service")(install_service)
agent.add_typer(dead, name="dead")
app.command("export")(export)
app.command("request")(request)
app.command("sign")(sign_)
app.command("migrate")(migrate)
app.command("backup")(backup)
app.command("rekey")(rekey)
app.command("erase")(erase)
app.command("audit")(audit)
app.command("copy")(copy_)
app.command("push")(push)
app.command("demo")(demo)


@app.callback(invoke_without_command=True)
def root(version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False) -> None:
    """Keeps a parking platform's ledger of renewals in sync with its car parks."""
    if version:
        typer.echo(f"vipgate {__version__}")
        raise typer.Exit


@app.command()
def serve(
    config: Config = None,
    home: Annotated[Path | None, typer.Option(help="Data folder.")] = None,
    database: DatabaseOption = None,
    host: Annotated[str | None, typer.Option(help="Public address, where parks push; default 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(help="Public port; default 8080; 0: any free port.")] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate chain of the public port, PEM.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Private key of the certificate, PEM.")] = None,
    trusted_proxies: Annotated[str | None, typer.Option(help="Your own reverse proxies: 10.0.0.7,10.1.0.0/16.")] = None,
    hmac_window_s: Annotated[
        int | None, typer.Option(help="Seconds an HMAC timestamp may be off; default 300.")
    ] = None,
    admin: Annotated[bool | None, typer.Option("--admin/--no-admin", help="Serve an admin port (default).")] = None,
    admin_host: Annotated[str | None, typer.Option(help="Address of the admin port; default 127.0.0.1.")] = None,
    admin_port: Annotated[int | None, typer.Option(help="Admin port; default: --port plus 1.")] = None,
    admin_url: Annotated[str | None, typer.Option(help="URL of the admin port behind a proxy.")] = None,
    admin_https: Annotated[
        bool | None,
        typer.Option("--admin-https/--no-admin-https", help="Serve the admin port over HTTPS only (secure cookies)."),
    ] = None,
    admin_db_connections: Annotated[
        int | None, typer.Option(help="Concurrent database reads of the admin port.")
    ] = None,
    masked_searches_per_hour: Annotated[
        int | None, typer.Option(help="Searches by plate or card per hour, for accounts that see masked plates.")
    ] = None,
    charge_types_allow_private: Annotated[
        bool | None,
        typer.Option(
            "--charge-types-allow-private/--no-charge-types-allow-private",
            help="Allow private addresses of park gateways.",
        ),
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Worker processes; SQLite allows one.")] = None,
    always_200: Annotated[
        bool | None, typer.Option("--always-200", help="HTTP status 200 even for rejections.")
    ] = None,
    body_bytes_max: Annotated[int | None, typer.Option(help="Largest request body, in bytes.")] = None,
    total_body_bytes_max: Annotated[int | None, typer.Option(help="All bodies in memory together, in bytes.")] = None,
    request_timeout_s: Annotated[float | None, typer.Option(help="Seconds to receive a whole request.")] = None,
    keepalive_timeout_s: Annotated[float | None, typer.Option(help="Seconds a connection may be idle.")] = None,
    shutdown_timeout_s: Annotated[
        float | None, typer.Option(help="Seconds to answer requests in flight when stopping.")
    ] = None,
    connections_max: Annotated[int | None, typer.Option(help="Open connections, TLS handshakes included.")] = None,
    queue_requests_max: Annotated[int | None, typer.Option(help="Requests that may wait to be stored.")] = None,
    queue_rows_max: Annotated[int | None, typer.Option(help="Rows that may wait to be stored.")] = None,
    generation_days: Annotated[int | None, typer.Option(help="Days a replaced generation can be restored.")] = None,
    request_log_days: Annotated[int | None, typer.Option(help="Days the request log is kept.")] = None,
    refused_days: Annotated[int | None, typer.Option(help="Days bodies of rejected requests are kept.")] = None,
    refused_bodies_max: Annotated[int | None, typer.Option(help="Rejected bodies kept per park.")] = None,
    refused_bytes_max: Annotated[int | None, typer.Option(help="Bytes of rejected bodies kept per park.")] = None,
) -> None:
    """Run the gateway until Ctrl-C or SIGTERM."""
    flags = locals().copy()
    settings = load_settings(flags.pop("config"), **flags)
    set_up_logs()
    log_exposed(gateway_files(settings, config))
    run_server(settings, lambda line: typer.echo(line))


def main() -> None:
    """The `vipgate` command. Prints errors that an operator can fix as one message, with status 1."""
    # Readable tracebacks for commands without a log; the library's own would show the values of variables.
    set_up_logs()
    sys.excepthook = show_traceback
    try:
        app()
    except VipgateError as error:
        typer.echo(f"error: {mask(str(error))}", err=True)
        sys.exit(1)
    except BrokenPipeError:
        # The reader of an export has closed the pipe; avoids an error message at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        typer.echo(f"error: {mask(str(error))}", err=True)
        sys.exit(1)

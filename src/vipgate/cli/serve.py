"""`vipgate serve`: runs the gateway."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from vipgate.cli.common import Config, DatabaseOption
from vipgate.cli.exposure import log_exposed
from vipgate.gateway.settings import CONFIG_NAME, Settings, load_settings, read_file
from vipgate.gateway.supervisor import run_server
from vipgate.store.open import is_postgres, sqlite_path
from vipgate.support.logs import set_up_logs
from vipgate.support.private_files import with_companions
from vipgate.support.sqlite_file import COMPANIONS


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
    rejected_days: Annotated[int | None, typer.Option(help="Days bodies of rejected requests are kept.")] = None,
    rejected_bodies_max: Annotated[int | None, typer.Option(help="Rejected bodies kept per park.")] = None,
    rejected_bytes_max: Annotated[int | None, typer.Option(help="Bytes of rejected bodies kept per park.")] = None,
) -> None:
    """Run the gateway until Ctrl-C or SIGTERM."""
    flags = locals().copy()
    settings = load_settings(flags.pop("config"), **flags)
    set_up_logs()
    log_exposed(gateway_files(settings, config))
    run_server(settings, lambda line: typer.echo(line))


def gateway_files(settings: Settings, config: Path | None) -> list[Path]:
    """Lists the data folder, the ledger and its companion files, the keys, and a settings file that holds a secret.

    The master key file is left out: the gateway does not start if others can read it.
    """
    found = [settings.home]
    if not is_postgres(settings.database_url):
        ledger = sqlite_path(settings.database_url)
        found += [ledger.parent, *with_companions(ledger, *COMPANIONS)]
    if settings.tls_key is not None:
        found.append(settings.tls_key)
    written = read_file(config)
    if "master_key" in written or urlsplit(str(written.get("database", ""))).password:
        found.append(config or Path(CONFIG_NAME))
    return list(dict.fromkeys(found))

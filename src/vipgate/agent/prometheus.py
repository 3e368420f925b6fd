"""Publishes the agent's metrics for Prometheus: in a file for the node exporter, or on a port."""

from __future__ import annotations

from pathlib import Path
from threading import Thread
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Gauge, generate_latest, start_http_server

from vipgate.agent.status import Status
from vipgate.errors import UsageError
from vipgate.i18n import tr
from vipgate.support.os_errors import error_reason
from vipgate.support.private_files import READABLE_MODE, write_file

log = structlog.get_logger()

_GAUGES: Final = {
    "vipgate_agent_acknowledged_rows": "Rows acknowledged by the platform since the agent started.",
    "vipgate_agent_backlog_rows": "Rows waiting in the spool.",
    "vipgate_agent_lag_seconds": "Age of the oldest waiting row.",
    "vipgate_agent_dead_letters": "Rows rejected by the mapping or the platform.",
    "vipgate_agent_snapshot_rows": "Acknowledged rows of the snapshot.",
    "vipgate_agent_truth_age_seconds": "Time since the last complete round over all rows began; NaN before the first one.",
    "vipgate_agent_missed_by_cursor": "Changes since the agent started that only the sweep found.",
    "vipgate_agent_in_trouble": "1 while rows cannot be sent or read, or the spool is nearly full: see vipgate agent status.",
    "vipgate_agent_last_look_timestamp_seconds": "Unix time of the agent's last update of these metrics.",
}


class Metrics:
    """Gauges of one agent."""

    def __init__(self, park_uuid: str) -> None:
        self._registry = CollectorRegistry()
        self._trouble = self._serve_trouble = ""
        self._server: Thread | None = None
        self._address = ("", 0)
        self._gauges = {
            name: Gauge(name, text, ["park_uuid"], registry=self._registry).labels(park_uuid)
            for name, text in _GAUGES.items()
        }

    def update(self, status: Status) -> None:
        """Sets the gauges to `status`."""
        age_s = status.sweep.truth_age_s(status.at_us)
        values = {
            "vipgate_agent_acknowledged_rows": status.acknowledged,
            "vipgate_agent_backlog_rows": status.backlog,
            "vipgate_agent_lag_seconds": status.lag_s,
            "vipgate_agent_dead_letters": status.dead,
            "vipgate_agent_snapshot_rows": status.snapshot_done,
            "vipgate_agent_truth_age_seconds": float("nan") if age_s is None else age_s,
            "vipgate_agent_missed_by_cursor": status.sweep.missed,
            "vipgate_agent_in_trouble": int(bool(status.lasting)),
            "vipgate_agent_last_look_timestamp_seconds": status.at_us / 1e6,
        }
        for name, value in values.items():
            self._gauges[name].set(value)
        if self._server is not None and not self._server.is_alive():
            self._serve_again()

    def write(self, path: Path) -> None:
        """Writes the file atomically, readable for all: the node exporter is another user. It holds no plates.

        A write error is only logged: sending goes on without metrics.
        """
        trouble = ""
        try:
            write_file(path, generate_latest(self._registry), READABLE_MODE)
        except OSError as error:
            trouble = tr(
                "cannot write {path}: {reason}; fix metrics.file, or its folder's owner and mode",
                path=path,
                reason=error_reason(error),
            )
        if trouble and trouble != self._trouble:
            log.warning("metrics file not written", reason=trouble)
        self._trouble = trouble

    def serve(self, host: str, port: int) -> None:
        """Serves the metrics until the process ends. Raises UsageError."""
        self._address = (host, port)
        try:
            _, self._server = start_http_server(port, host, self._registry)
        except OSError as error:
            raise UsageError(
                tr(
                    "Cannot listen on {host}:{port}: {reason}; fix metrics.port.",
                    host=host,
                    port=port,
                    reason=error_reason(error),
                )
            ) from None

    def _serve_again(self) -> None:
        """Restarts the library's server thread after it has ended."""
        host, port = self._address
        try:
            self.serve(host, port)
        except UsageError as error:
            trouble = tr("nothing serves the figures any more: {reason}", reason=error)
        else:
            trouble = tr("the thread that served the figures had ended; another serves them")
        if trouble != self._serve_trouble:
            log.error("metrics server ended", reason=trouble)
        self._serve_trouble = trouble

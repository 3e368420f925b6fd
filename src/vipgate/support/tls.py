"""The public port's certificate: read at the start, and again when its files change, so that a renewal needs no restart."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final

import structlog

from vipgate.errors import UsageError

log = structlog.get_logger()

CHECK_INTERVAL_S: Final = 30.0
HANDSHAKE_TIMEOUT_S: Final = 15.0
# How long a caller has to answer the end of a connection: one that is idle answers none.
SHUTDOWN_TIMEOUT_S: Final = 1.0


class Certificate:
    """A certificate and its key. Connections that begin after `look` has found new ones use these."""

    def __init__(self, cert: Path, key: Path) -> None:
        self._files = (cert, key)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        # What the files were like when they were taken last, and what was said of them since.
        self._loaded_stamps = self._stamps()
        self._reported_error = ""
        try:
            self._load(self.context)
        except OSError as error:
            raise UsageError(self._load_error(error)) from None

    def reload_if_changed(self) -> None:
        """Takes the files up where they have changed; keeps what it has where they are no pair, and says so in the log.

        It tries again until it has them: what was wrong with a file can be mended without a change of its stamp.
        """
        stamps = self._stamps()
        if stamps == self._loaded_stamps:
            return
        try:
            # Apart first: a context that has taken half a pair would be left with it.
            self._load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
            self._load(self.context)
        except OSError as error:
            complaint = self._load_error(error)
            if complaint != self._reported_error:
                log.error("certificate not taken", reason=complaint)
            self._reported_error = complaint
            return
        self._loaded_stamps, self._reported_error = stamps, ""
        log.info("certificate taken", file=str(self._files[0]))

    def _load(self, context: ssl.SSLContext) -> None:
        cert, key = self._files
        # A key that asks for a password would ask a terminal.
        context.load_cert_chain(cert, key, password=lambda: "")

    def _stamps(self) -> list[tuple[int, int] | None]:
        return [_stamp(file) for file in self._files]

    def _load_error(self, error: OSError) -> str:
        cert, key = self._files
        return (
            f"Cannot use the certificate {cert} with the key {key}: {error.strerror or error}; "
            "--tls-cert is a PEM file with the chain, --tls-key its PEM key without a password."
        )


def load_certificate(cert: Path | None, key: Path | None) -> Certificate | None:
    """The certificate of the settings `tls_cert` and `tls_key`, None where there are none. Raises OperatorError."""
    if cert is None and key is None:
        return None
    if cert is None or key is None:
        raise UsageError("--tls-cert and --tls-key go together; give both, or neither.")
    return Certificate(cert, key)


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino

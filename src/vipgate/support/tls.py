"""Loads the public port's certificate, and reloads it when its files change: a renewal needs no restart."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final

import structlog

from vipgate.errors import UsageError

log = structlog.get_logger()

CHECK_INTERVAL_S: Final = 30.0
HANDSHAKE_TIMEOUT_S: Final = 15.0
# How long a client has to answer close_notify: an idle one does not answer.
SHUTDOWN_TIMEOUT_S: Final = 1.0


class Certificate:
    """A certificate and its key. New connections use the files found by the last `reload_if_changed`."""

    def __init__(self, cert: Path, key: Path) -> None:
        self._files = (cert, key)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        # Stamps of the files when last loaded, and the last error logged since.
        self._loaded_stamps = self._stamps()
        self._reported_error = ""
        try:
            self._load(self.context)
        except OSError as error:
            raise UsageError(self._load_error(error)) from None

    def reload_if_changed(self) -> None:
        """Reloads changed files; on an error logs it and keeps the loaded certificate.

        Retries until it succeeds: a problem such as permissions can be fixed without a change of the stamp.
        """
        stamps = self._stamps()
        if stamps == self._loaded_stamps:
            return
        try:
            # Try in a separate context first: a failed load would leave half a pair in use.
            self._load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
            self._load(self.context)
        except OSError as error:
            reason = self._load_error(error)
            if reason != self._reported_error:
                log.error("certificate not loaded", reason=reason)
            self._reported_error = reason
            return
        self._loaded_stamps, self._reported_error = stamps, ""
        log.info("certificate loaded", file=str(self._files[0]))

    def _load(self, context: ssl.SSLContext) -> None:
        cert, key = self._files
        # Without a password callback OpenSSL would prompt on the terminal.
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
    """Loads the certificate of the settings `tls_cert` and `tls_key`; None without them. Raises UsageError."""
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

"""Certificates that are renewed while they are in use, and those that cannot be used."""

from __future__ import annotations

import datetime
import os
import threading
from pathlib import Path
from socket import socketpair
from ssl import CERT_NONE, PROTOCOL_TLS_CLIENT, SSLContext

import pytest
import structlog
from cryptography import x509

from support.certificates import write_pair
from vipgate.errors import UsageError
from vipgate.support.tls import Certificate, load_certificate


def serial(certificate: Certificate) -> int:
    """The number of the certificate that a new connection is shown."""
    near, far = socketpair()
    server = threading.Thread(target=lambda: certificate.context.wrap_socket(near, server_side=True).recv(1))
    server.start()
    context = SSLContext(PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, CERT_NONE
    with context.wrap_socket(far) as connection:
        found = connection.getpeercert(binary_form=True)
    server.join()
    near.close()
    assert found is not None
    return x509.load_der_x509_certificate(found).serial_number


def test_renewed_certificate_is_taken_and_half_a_pair_is_not(tmp_path: Path) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    write_pair(cert, key, 1)
    certificate = load_certificate(cert, key)
    assert certificate is not None
    certificate.reload_if_changed()
    assert serial(certificate) == 1
    write_pair(tmp_path / "new.pem", tmp_path / "newkey.pem", 2)
    (tmp_path / "new.pem").rename(cert)
    with structlog.testing.capture_logs() as lines:
        certificate.reload_if_changed()
        certificate.reload_if_changed()
    assert [line["event"] for line in lines] == ["certificate not loaded"]
    assert serial(certificate) == 1
    (tmp_path / "newkey.pem").rename(key)
    certificate.reload_if_changed()
    assert serial(certificate) == 2
    cert.unlink()
    certificate.reload_if_changed()
    assert serial(certificate) == 2


def test_certificate_that_becomes_readable_is_taken_although_its_stamp_is_the_same(tmp_path: Path) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    write_pair(cert, key, 1)
    certificate = load_certificate(cert, key)
    assert certificate is not None
    write_pair(cert, key, 2)
    text, stamp = key.read_bytes(), key.stat()
    # What a change of mode does for others, for whom the file could not be read; root reads all.
    key.write_bytes(b"")
    os.utime(key, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    with structlog.testing.capture_logs() as lines:
        for _ in range(3):
            certificate.reload_if_changed()
    assert [line["event"] for line in lines] == ["certificate not loaded"]
    assert serial(certificate) == 1
    key.write_bytes(text)
    os.utime(key, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    certificate.reload_if_changed()
    assert serial(certificate) == 2


@pytest.mark.parametrize(
    ("cert", "key"), [(None, "key"), ("cert", None), ("cert", "none"), ("cert", "other"), ("key", "key")]
)
def test_certificate_that_cannot_be_used_says_so_at_the_start(
    tmp_path: Path, cert: str | None, key: str | None
) -> None:
    write_pair(tmp_path / "cert", tmp_path / "key", 1)
    write_pair(tmp_path / "second", tmp_path / "other", 2)
    given = [None if name is None else tmp_path / name for name in (cert, key)]
    with pytest.raises(UsageError, match="tls-key"):
        load_certificate(*given)


def test_certificates_made_for_tests_last_for_them(tmp_path: Path) -> None:
    write_pair(tmp_path / "cert.pem", tmp_path / "key.pem", 1)
    made = x509.load_pem_x509_certificate((tmp_path / "cert.pem").read_bytes())
    assert made.not_valid_after_utc > datetime.datetime.now(datetime.UTC)

"""Who counts as the caller behind proxies, certificates that are renewed, and processes that leave no core."""

from __future__ import annotations

import datetime
import os
import subprocess
import sys
import threading
from pathlib import Path
from socket import socketpair
from ssl import CERT_NONE, PROTOCOL_TLS_CLIENT, SSLContext

import pytest
import structlog
from cryptography import x509

from unit.pems import write_pair
from vipgate.errors import UsageError
from vipgate.support.client_address import parse_trusted_proxies
from vipgate.support.tls import Certificate, load_certificate

OURS = "10.0.0.7, 10.1.0.0/16, 2001:db8::/48"


@pytest.mark.parametrize(
    ("peer", "forwarded", "caller"),
    [
        ("203.0.113.9", None, "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("10.0.0.7", None, "10.0.0.7"),
        ("10.0.0.7", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.7", "1.1.1.1, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.7", "1.1.1.1, 198.51.100.1, 10.1.2.3", "198.51.100.1"),
        ("10.0.0.7", "10.0.0.7, 10.1.2.3", "10.0.0.7"),
        ("10.0.0.7", "198.51.100.1, nonsense", "10.0.0.7"),
        ("10.0.0.7", "198.51.100.1, nonsense, 10.1.2.3", "10.1.2.3"),
        ("10.0.0.7", "198.51.100.1:4711", "198.51.100.1"),
        ("10.0.0.7", "[2001:db8:1::5]:4711", "2001:db8:1::5"),
        ("10.0.0.7", "2001:db8:1::5", "2001:db8:1::5"),
        ("10.0.0.7", "::ffff:198.51.100.1", "198.51.100.1"),
        ("::ffff:10.0.0.7", "198.51.100.1", "198.51.100.1"),
        ("2001:db8::1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.7", "", "10.0.0.7"),
        ("10.0.0.7", "1.1.1.1," * 4000 + "198.51.100.1", "198.51.100.1"),
        ("", "198.51.100.1", ""),
    ],
)
def test_caller_is_the_last_address_that_is_no_proxy_of_ours(peer: str, forwarded: str | None, caller: str) -> None:
    assert parse_trusted_proxies(OURS).client_address(peer, forwarded) == caller


def test_nobody_s_word_counts_by_default() -> None:
    assert parse_trusted_proxies("").client_address("10.0.0.7", "198.51.100.1") == "10.0.0.7"


@pytest.mark.parametrize("text", ["10.0.0.7/8", "everybody", "10.0.0.300", "*"])
def test_wrong_setting_of_proxies_names_itself(text: str) -> None:
    with pytest.raises(UsageError, match="trusted_proxies"):
        parse_trusted_proxies(text)


# ---- certificates ----------------------------------------------------------------------------------------------------


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


# ---- cores -----------------------------------------------------------------------------------------------------------


DUMPABLE = "import ctypes, resource, sys\ndumpable = lambda: ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)\n"


def told(code: str) -> list[str]:
    """What a process of its own prints."""
    done = subprocess.run([sys.executable, "-c", DUMPABLE + code], capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")
def test_process_leaves_no_core_and_is_not_looked_into() -> None:
    asked = (
        "from vipgate.support.core_dumps import forbid_core_dumps\n"
        "before = dumpable()\n"
        "forbid_core_dumps()\n"
        "print(before, dumpable(), *resource.getrlimit(resource.RLIMIT_CORE))\n"
    )
    assert told(asked) == ["1", "0", "0", "0"]


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")
def test_inside_process_is_closed_before_it_is_told_a_secret() -> None:
    asked = (
        "from vipgate.admin import main as process\n"
        "process._read_line = lambda: print(dumpable()) or sys.exit(0)\n"
        "process.main()\n"
    )
    assert told(asked) == ["0"]


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")
def test_gateway_is_closed_before_it_opens_the_vault() -> None:
    asked = (
        "from vipgate.gateway import supervisor as workers\n"
        "from vipgate.gateway.settings import load_settings\n"
        "workers.SharedMetrics = lambda count: print(dumpable()) or sys.exit(0)\n"
        "workers.run_server(load_settings(), print)\n"
    )
    assert told(asked) == ["0"]

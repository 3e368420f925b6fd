"""A park's gateway, or whoever calls himself one, on a real socket: slow, huge, elsewhere, in the own network, untrusted."""

from __future__ import annotations

import socket
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from e2e.parkgateway import DONE, PARK, ROW, SECRET, ParkGateway, drips, fetch, floods, refusal, sends
from vipgate.chargetypes import ChargeTypesRefused, check_address, fetch_charge_types
from vipgate.outward import ANSWER_BYTES_MAX, is_public
from vipgate.store.browsing import ChargeType


@pytest.mark.parametrize("piece", [b"X-A: b\r\n", b"x"])
def test_dripping_answer_is_dropped_at_the_deadline(piece: bytes) -> None:
    assert "did not answer in full within 0.5 s" in refusal(drips(piece), 0.5).en


def test_dripping_body_is_dropped_at_the_deadline() -> None:
    assert "within 0.5 s" in refusal(drips(b"\r\nContent-Length: 100000\r\n\r\n "), 0.5).en


def test_huge_answer_is_dropped() -> None:
    assert f"over {ANSWER_BYTES_MAX} bytes" in refusal(floods).en


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
def test_redirect_is_not_followed(status: str) -> None:
    with ParkGateway(sends({**DONE, "row": [ROW]})) as inner:
        location = f"http://127.0.0.1:{inner.port}/"

        def redirect(connection: socket.socket) -> None:
            connection.sendall(f"HTTP/1.1 {status}\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode())

        assert "redirects" in refusal(redirect).en
        assert inner.requests == []


def test_closed_port_is_told() -> None:
    with ParkGateway(sends(b"")) as gateway:
        pass
    with pytest.raises(ChargeTypesRefused, match="no answer from"):
        fetch(gateway)


def test_proxy_from_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with ParkGateway(sends(b"")) as proxy, ParkGateway(sends({**DONE, "row": [ROW]})) as gateway:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{proxy.port}")
        assert len(fetch(gateway)) == 1
        assert proxy.requests == []


def test_rebinding_name_is_connected_to_where_it_was_checked() -> None:
    """The name turns to another server after it was checked; the request goes to the first, and is asked for but once."""
    with ParkGateway(sends({**DONE, "row": [ROW]})) as gateway:
        answers = iter([["127.0.0.1"], ["127.0.0.2"]])
        found = fetch_charge_types(
            f"http://gateway.test:{gateway.port}/", PARK, SECRET, allow_private=True, resolve=lambda *_: next(answers)
        )
        assert len(found) == 1
        assert next(answers) == ["127.0.0.2"]
    assert f"\r\nHost: gateway.test:{gateway.port}\r\n".encode() in gateway.requests[0]


def test_second_address_is_tried_where_the_first_is_closed() -> None:
    with ParkGateway(sends({**DONE, "row": [ROW]})) as gateway:
        found = fetch_charge_types(
            f"http://gateway.test:{gateway.port}/",
            PARK,
            SECRET,
            allow_private=True,
            resolve=lambda *_: ["127.0.0.9", "127.0.0.1"],
        )
    assert len(found) == 1


UNSPECIFIED = "0.0.0.0"  # noqa: S104 - nobody binds to it here
INWARD = [
    "127.0.0.1", "127.8.9.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", UNSPECIFIED,
    "224.0.0.1", "255.255.255.255", "198.18.0.1", "240.0.0.1", "::1", "::", "fe80::1", "fc00::1", "fec0::1", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "::7f00:1",
]  # fmt: skip


@pytest.mark.parametrize("address", INWARD)
def test_address_of_the_own_network_is_refused_before_anything_is_sent(address: str) -> None:
    with ParkGateway(sends({**DONE, "row": [ROW]})) as gateway:
        with pytest.raises(ChargeTypesRefused, match="not a public address"):
            fetch(gateway, allow_private=False, resolve=lambda *_: [address])
        assert gateway.requests == []


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "114.114.114.114", "2400:3200::1", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(ip_address(address))


def test_one_inward_address_among_public_ones_is_enough_to_refuse() -> None:
    with ParkGateway(sends(b"")) as gateway, pytest.raises(ChargeTypesRefused, match=r"10\.0\.0\.1"):
        fetch(gateway, allow_private=False, resolve=lambda *_: ["1.1.1.1", "10.0.0.1"])


@pytest.mark.parametrize("address", [UNSPECIFIED, "::", "224.0.0.1", "ff02::1", "::ffff:224.0.0.1"])
def test_nowhere_is_refused_even_where_private_is_allowed(address: str) -> None:
    with ParkGateway(sends(b"")) as gateway, pytest.raises(ChargeTypesRefused, match="not a public address"):
        fetch(gateway, resolve=lambda *_: [address])


@pytest.mark.parametrize("name", ["127.1", "2130706433", "0x7f.1", "localhost"])
def test_loopback_by_another_name_is_refused(name: str) -> None:
    with pytest.raises(ChargeTypesRefused, match=r"127\.0\.0\.1|::1"):
        fetch_charge_types(f"http://{name}:9/", PARK, SECRET, allow_private=False)


def test_unknown_host_is_told() -> None:
    def resolve(host: str, port: int) -> list[str]:
        raise socket.gaierror(host, port)

    with pytest.raises(ChargeTypesRefused, match="there is no host nowhere"):
        fetch_charge_types("http://nowhere.test/", PARK, SECRET, allow_private=False, resolve=resolve)


@pytest.mark.parametrize(
    "address",
    [
        "", "gateway.example", "ftp://gateway.example/", "file:///etc/passwd", "http://", "http:///path",
        "http://user@gateway.example/", "http://a:b@gateway.example/", "http://gateway.example:0/",
        "http://gateway.example:99999/", "http://gateway.example/#x", "http://网关.example/", "http://a b/",
        "http://gateway.example\\@evil.example/", "http://x/\r\nHost: y", "http://x/" + "y" * 2048, "http://[::1/",
    ],
)  # fmt: skip
def test_address_that_is_no_plain_url_is_refused(address: str) -> None:
    with pytest.raises(ChargeTypesRefused, match="must be http://") as caught:
        check_address(address)
    assert caught.value.words.en.isprintable()


@pytest.mark.parametrize("address", ["http://gateway.example", " https://g.example:8443/gateway/1.0/dispatch?x=1 "])
def test_plain_url_is_taken(address: str) -> None:
    assert check_address(address) == address.strip()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for gateway.test and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gateway.test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("gateway.test")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "gateway.pem"
    encoded = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(encoded + made.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.fixture
def tls(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.mark.parametrize(("host", "trusted"), [("gateway.test", True), ("other.test", False)])
def test_certificate_must_name_the_host_and_not_the_address(tls: ssl.SSLContext, host: str, trusted: bool) -> None:
    with ParkGateway(sends({**DONE, "row": [ROW]}), tls) as gateway:

        def ask() -> list[ChargeType]:
            address = f"https://{host}:{gateway.port}/"
            return fetch_charge_types(address, PARK, SECRET, allow_private=True, resolve=lambda *_: ["127.0.0.1"])

        if trusted:
            assert len(ask()) == 1
        else:
            with pytest.raises(ChargeTypesRefused, match="certificate"):
                ask()
            assert gateway.requests == []

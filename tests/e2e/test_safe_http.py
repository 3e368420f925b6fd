"""A park's gateway, or whoever calls himself one, on a real socket: slow, huge, elsewhere, in the own network, untrusted."""

from __future__ import annotations

import socket
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from support.park_gateway import DONE, PARK, ROW, SECRET, ParkGateway, drips, fetch, floods, refusal, sends
from support.rerouting import NEAR
from vipgate.domain.charge_types import ChargeTypesError, check_address, fetch_charge_types
from vipgate.store.interfaces.queries import ChargeType
from vipgate.support.safe_http import ANSWER_BYTES_MAX, FetchError, checked_addresses, is_private, is_public, parse_url


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
    with pytest.raises(ChargeTypesError, match="no answer from"):
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
        answers = iter([[NEAR], ["10.0.0.2"]])
        found = fetch(gateway, host="gateway.test", resolve=lambda *_: next(answers))
        assert len(found) == 1
        assert next(answers) == ["10.0.0.2"]
    assert f"\r\nHost: gateway.test:{gateway.port}\r\n".encode() in gateway.requests[0]


def test_second_address_is_tried_where_the_first_is_closed() -> None:
    with ParkGateway(sends({**DONE, "row": [ROW]})) as gateway:
        found = fetch(gateway, host="gateway.test", resolve=lambda *_: ["10.0.0.9", NEAR])
    assert len(found) == 1


UNSPECIFIED = "0.0.0.0"  # noqa: S104 - nobody binds to it here
PRIVATE = [
    "10.0.0.1", "10.255.255.254", "172.16.0.1", "172.31.0.1", "192.168.1.1", "100.64.0.1", "100.127.255.254", "fc00::1",
    "fd12:3456::1", "::ffff:10.0.0.1", "::ffff:192.168.1.1",
]  # fmt: skip
METADATA = [
    "169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "fd00:ec2::254", "fd00:ec2::23",
    "fd20:ce::254", "fd00:c1::a9fe:a9fe", "192.0.0.192",
]  # fmt: skip
NEVER = [
    "127.0.0.1", "127.8.9.1", "169.254.1.1", UNSPECIFIED, "0.1.2.3", "224.0.0.1", "255.255.255.255", "198.18.0.1",
    "240.0.0.1", "::1", "::", "fe80::1", "fe80::1%lo", "fec0::1", "ff02::1", "::7f00:1", "2001:db8::1", "64:ff9b:1::7f00:1",
    *METADATA,
]  # fmt: skip


def hidden_in_ipv6(text: str) -> list[str]:
    """IPv6 addresses that lead to an IPv4 one: mapped, NAT64, 6to4, Teredo."""
    inner = int(IPv4Address(text))
    return [
        str(IPv6Address(0xFFFF << 32 | inner)),
        str(IPv6Address((0x64FF9B << 96) | inner)),
        str(IPv6Address(0x2002 << 112 | inner << 80)),
        str(IPv6Address(0x20010000 << 96 | (inner ^ 0xFFFFFFFF))),
    ]


HIDDEN = [form for text in NEVER if ":" not in text for form in hidden_in_ipv6(text)]


@pytest.mark.parametrize("address", [*PRIVATE, *NEVER, *HIDDEN])
def test_address_of_the_own_network_is_refused_before_anything_is_sent(address: str) -> None:
    with ParkGateway(sends({**DONE, "row": [ROW]})) as gateway:
        with pytest.raises(ChargeTypesError, match="not a public address"):
            fetch(gateway, allow_private=False, resolve=lambda *_: [address])
        assert gateway.requests == []


@pytest.mark.parametrize("address", [*NEVER, *HIDDEN])
def test_this_machine_a_link_and_cloud_metadata_are_refused_even_where_private_is_allowed(address: str) -> None:
    with ParkGateway(sends({**DONE, "row": [ROW]})) as gateway:
        with pytest.raises(ChargeTypesError, match="never asked"):
            fetch(gateway, resolve=lambda *_: [address])
        assert gateway.requests == []


@pytest.mark.parametrize("address", PRIVATE)
def test_private_address_is_asked_where_it_is_allowed_and_else_the_setting_is_named(address: str) -> None:
    target = parse_url("http://gateway.test/")
    assert checked_addresses(target, allow_private=True, resolve=lambda *_: [address]) == [address]
    with pytest.raises(FetchError, match="charge_types_allow_private"):
        checked_addresses(target, allow_private=False, resolve=lambda *_: [address])


@pytest.mark.parametrize("form", [form for text in ("10.0.0.1", "192.168.1.1") for form in hidden_in_ipv6(text)[1:]])
def test_private_address_behind_a_translator_is_refused(form: str) -> None:
    assert not is_private(ip_address(form))
    assert not is_public(ip_address(form))


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "114.114.114.114", "2400:3200::1", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(ip_address(address))


def test_one_inward_address_among_public_ones_is_enough_to_refuse() -> None:
    with ParkGateway(sends(b"")) as gateway, pytest.raises(ChargeTypesError, match=r"10\.0\.0\.1"):
        fetch(gateway, allow_private=False, resolve=lambda *_: ["1.1.1.1", "10.0.0.1"])


@pytest.mark.parametrize("allow_private", [False, True])
@pytest.mark.parametrize("name", ["127.1", "2130706433", "0x7f.1", "localhost"])
def test_loopback_by_another_name_is_refused(name: str, allow_private: bool) -> None:
    with pytest.raises(ChargeTypesError, match=r"(127\.0\.0\.1|::1), which is not a public address"):
        fetch_charge_types(f"http://{name}:9/", PARK, SECRET, allow_private=allow_private)


SECRET_WORD = "hunter2"


@pytest.mark.parametrize(
    "answer",
    [
        f"{SECRET_WORD}\r\n\r\n",
        f"-ERR unknown command {SECRET_WORD}\r\n",
        f"HTTP/1.1 200 {SECRET_WORD}\r\n{SECRET_WORD}\r\n\r\n",
        f"HTTP/1.1 302 Found\r\nLocation: http://{SECRET_WORD}/\r\nContent-Length: 0\r\n\r\n",
        f"HTTP/1.1 200 OK\r\nContent-Type: {SECRET_WORD}\r\nContent-Length: 7\r\n\r\n{SECRET_WORD}",
        f"HTTP/1.1 200 OK\r\nContent-Type: text/html {SECRET_WORD}\r\nContent-Length: 7\r\n\r\n{SECRET_WORD}",
        f"HTTP/1.1 404 Not Found\r\nContent-Length: 7\r\n\r\n{SECRET_WORD}",
        f"HTTP/1.1 200 OK\r\nContent-Length: {SECRET_WORD}\r\n\r\n",
        f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{SECRET_WORD}\r\n",
        *(
            f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}"
            for body in (
                f'{{"result_code": "{SECRET_WORD}"}}',
                f'{{"result_code": "42", "message": "{SECRET_WORD}"}}',
                f'{{"result_code": "1401", "message": "{SECRET_WORD}"}}',
                f'{{"result_code": "1001", "row": "{SECRET_WORD}"}}',
                f'{{"result_code": "1001", "row": ["{SECRET_WORD}"]}}',
                f'{{"result_code": "1001", "row": [{{"id": "{SECRET_WORD * 20}"}}]}}',
            )
        ),
    ],
)
def test_error_repeats_nothing_of_what_came_back(answer: str) -> None:
    words = refusal(lambda connection: connection.sendall(answer.encode()))
    assert SECRET_WORD not in words.zh + words.en


def test_error_tells_status_content_type_and_length_of_the_answer() -> None:
    words = refusal(sends(b"<html>not found</html>", "404 Not Found", "text/html; charset=utf-8"))
    assert "HTTP 404, text/html, 22 bytes" in words.en
    assert "HTTP 404, text/html, 22 字节" in words.zh


def test_unknown_host_is_told() -> None:
    def resolve(host: str, port: int) -> list[str]:
        raise socket.gaierror(host, port)

    with pytest.raises(ChargeTypesError, match="there is no host nowhere"):
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
    with pytest.raises(ChargeTypesError, match="must be http://") as caught:
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
            return fetch(gateway, host=host, resolve=lambda *_: [NEAR])

        if trusted:
            assert len(ask()) == 1
        else:
            with pytest.raises(ChargeTypesError, match="certificate"):
                ask()
            assert gateway.requests == []

"""Validates request heads: size, version, no ambiguity. Makes the errors for requests too large or too slow. Pure."""

from __future__ import annotations

from typing import Final

import httptools

from vipgate.errors import BadRequest, PayloadTooLarge, RequestError
from vipgate.i18n import LocalizedText

VERSIONS: Final = ("1.1", "1.0")
# Headers that must not be repeated: two would be ambiguous.
SINGLETON_HEADERS: Final = frozenset(
    {b"host", b"authorization", b"content-type", b"content-length", b"transfer-encoding"}
    | {b"webhook-id", b"webhook-timestamp", b"webhook-signature"}
)
# Repeated headers of these names form one list.
LIST_HEADERS: Final = frozenset({b"x-forwarded-for", b"connection"})
# A closed list: clients often write the charset into Content-Encoding, which must be accepted.
_CONTENT_CODINGS: Final = frozenset({b"gzip", b"x-gzip", b"deflate", b"br", b"zstd", b"compress"})


def validate_headers(headers: dict[bytes, bytes], version: str, repeated: bytes) -> RequestError | None:
    """Returns what is wrong with a head, or None; `repeated` is a header of SINGLETON_HEADERS that came twice."""
    if repeated:
        name = repeated.decode("latin-1")
        return BadRequest(LocalizedText(f"请求头 {name} 出现了两次", f"the header {name} came twice"))
    if version not in VERSIONS:
        return BadRequest(
            LocalizedText(f"应为 HTTP/1.1, 收到 HTTP/{version}", f"HTTP/1.1 is wanted, got HTTP/{version}")
        )
    if b"transfer-encoding" in headers and (
        version == "1.0" or headers[b"transfer-encoding"].strip().lower() != b"chunked"
    ):
        # HTTP/1.0 has no chunks: a proxy may see another end of the body than this server.
        shown = headers[b"transfer-encoding"][:64].decode("latin-1")
        return BadRequest(
            LocalizedText(
                f'Transfer-Encoding 只接受 HTTP/1.1 的 chunked, 收到 HTTP/{version} 的 "{shown}"',
                f'Transfer-Encoding must be chunked in HTTP/1.1, got "{shown}" in HTTP/{version}',
            )
        )
    if b"content-encoding" in headers and headers[b"content-encoding"].strip().lower() in _CONTENT_CODINGS:
        shown = headers[b"content-encoding"][:64].decode("latin-1")
        return BadRequest(
            LocalizedText(
                f'正文不得压缩, 收到 Content-Encoding "{shown}"; 请发送未压缩的 JSON',
                f'a body must not be compressed, got Content-Encoding "{shown}"; send plain JSON',
            )
        )
    if b"host" not in headers and version == "1.1":
        return BadRequest(LocalizedText("缺少 Host 请求头", "the Host header is missing"))
    return None


def malformed_request(reason: str) -> BadRequest:
    """Makes the error for a request that the parser rejects, with its reason."""
    return BadRequest(LocalizedText(f"不是有效的 HTTP 请求: {reason}", f"not a valid HTTP request: {reason}"))


def head_too_large(limit: int) -> PayloadTooLarge:
    """Makes the error for a head over `limit` bytes."""
    return PayloadTooLarge(LocalizedText(f"请求头最多 {limit} 字节", f"a request's head has at most {limit} bytes"))


def body_too_large(limit: int) -> PayloadTooLarge:
    """Makes the error for a body over `limit` bytes."""
    return PayloadTooLarge(
        LocalizedText(f"正文最多 {limit} 字节; 请分批发送", f"a body has at most {limit} bytes; send it in batches")
    )


def request_timeout(request_timeout_s: float) -> BadRequest:
    """Makes the error for a request not complete after `request_timeout_s`."""
    return BadRequest(
        LocalizedText(
            f"请求须在 {request_timeout_s:g} 秒内发完", f"a request must be sent within {request_timeout_s:g} seconds"
        )
    )


def body_too_slow(bytes_a_second: int, pause_s: float) -> BadRequest:
    """Makes the error for a body that is too slow or pauses too long."""
    return BadRequest(
        LocalizedText(
            f"正文每秒至少 {bytes_a_second} 字节, 停顿最多 {pause_s:g} 秒; 请检查网络, 或分批发送",
            f"a body must arrive at {bytes_a_second} bytes a second at least and pause for {pause_s:g} seconds at most; "
            "check the network, or send it in batches",
        )
    )


def strip_upgrade(method: bytes, url: bytes, version: str, headers: dict[bytes, bytes]) -> bytes:
    """Serializes a request head without `Upgrade`."""
    kept = [b"%s: %s\r\n" % item for item in headers.items() if item[0] not in (b"upgrade", b"connection")]
    if b"close" in headers.get(b"connection", b"").lower():
        kept.append(b"connection: close\r\n")
    return b"%s %s HTTP/%s\r\n" % (method, url, version.encode()) + b"".join(kept) + b"\r\n"


def header_bytes(name: bytes, value: bytes) -> int:
    """Returns the size of one header line in bytes."""
    return len(name) + len(value) + len(b": \r\n")


def size_of(url: bytes, headers: dict[bytes, bytes]) -> int:
    """Estimates the size of a head in bytes; repeated headers count once."""
    return len(url) + sum(header_bytes(*header) for header in headers.items())


def path_of(url: bytes) -> str:
    """Returns the path of a request target, or an empty string."""
    if not url.startswith(b"/"):
        try:
            url = httptools.parse_url(url).path or b""
        except httptools.HttpParserInvalidURLError:
            return ""
    return url.partition(b"?")[0].decode("latin-1")

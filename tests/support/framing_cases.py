"""Requests whose framing means nothing, two things, or one thing in an odd form, each with the answer wanted: data alone.

`answers`: the statuses that come back, in order. `closes`: whether the connection ends after them, with nothing more from
the client than the bytes of the case.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from vipgate.cli.sample import PAGE_BODY, PAGE_SECRET
from vipgate.protocol.authentication import signed_headers
from vipgate.protocol.envelope import PUSH_PATH

HEALTH: Final = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Case:
    """See above."""

    name: str
    sent: bytes
    answers: tuple[int, ...]
    closes: bool = True


def push(*lines: bytes, body: bytes = PAGE_BODY, length: bool = True, start: bytes = b"") -> bytes:
    """A push of the page's example with `lines` added to its head."""
    signed = [f"{name}: {text}".encode() for name, text in signed_headers(PAGE_BODY, PAGE_SECRET).items()]
    declared = [b"Content-Length: %d" % len(PAGE_BODY)] if length else []
    first = start or b"POST %s HTTP/1.1" % PUSH_PATH.encode()
    return b"\r\n".join([first, b"Host: gate", *signed, *declared, *lines, b"", body])


def chunked(*lines: bytes, chunks: bytes = b"", end: bytes = b"0\r\n\r\n") -> bytes:
    """The same in chunks: the two halves of the example, or `chunks`."""
    halves = b"".join(b"%x\r\n%s\r\n" % (len(half), half) for half in (PAGE_BODY[:50], PAGE_BODY[50:]))
    return push(b"Transfer-Encoding: chunked", *lines, body=(chunks or halves) + end, length=False)


def health(*lines: bytes, start: bytes = b"GET /healthz HTTP/1.1") -> bytes:
    """A question for /healthz with `lines` in its head."""
    return b"\r\n".join([start, b"Host: x", *lines, b"", b""])


def one_chunk(size: bytes) -> bytes:
    """The example in one chunk whose size is written as `size`."""
    return size + b"\r\n" + PAGE_BODY + b"\r\n"


_HEX: Final = b"%x" % len(PAGE_BODY)
_DECIMAL: Final = b"%d" % len(PAGE_BODY)


def _lengths() -> Iterator[Case]:
    yield Case("one length", push(), (200,), closes=False)
    yield Case("the same length twice", push(b"Content-Length: " + _DECIMAL), (400,))
    yield Case("two lengths", push(b"Content-Length: 5"), (400,))
    yield Case(
        "the same length in a list", push(b"Content-Length: %s, %s" % (_DECIMAL, _DECIMAL), length=False), (400,)
    )
    for name, written in {
        "plus": b"+" + _DECIMAL, "minus": b"-1", "hexadecimal": b"0x10", "float": b"1.0", "empty": b"", "blank inside": b"1 0",
        "a word": b"ten", "underscore": b"1_0", "over 64 bits": b"9" * 25,
        "quoted": b'"10"', "semicolon": b"10;a", "full-width": "１".encode(),
    }.items():  # fmt: skip
        yield Case(f"length: {name}", push(b"Content-Length: " + written, length=False), (400,))
    yield Case(
        "length with zeros before it", push(b"Content-Length: 000" + _DECIMAL, length=False), (200,), closes=False
    )
    yield Case("length in blanks", push(b"Content-Length: \t " + _DECIMAL + b" \t", length=False), (200,), closes=False)
    yield Case("length over the bound", push(b"Content-Length: 17000000", length=False, body=b""), (413,))
    yield Case("push without a body", push(length=False, body=b""), (400,), closes=False)
    yield Case("GET with a body", health(b"Content-Length: 2") + b"{}" + HEALTH, (200, 200), closes=False)
    yield Case("length and chunks", push(b"Transfer-Encoding: chunked", body=one_chunk(_HEX) + b"0\r\n\r\n"), (400,))
    yield Case(
        "chunks and length",
        push(b"Transfer-Encoding: chunked", b"Content-Length: 4", body=one_chunk(_HEX) + b"0\r\n\r\n", length=False),
        (400,),
    )


def _codings() -> Iterator[Case]:
    yield Case("chunks", chunked(), (200,), closes=False)
    yield Case("chunks twice", chunked(b"Transfer-Encoding: chunked"), (400,))
    for written in (b"CHUNKED", b"Chunked", b"  chunked  "):
        whole = push(b"Transfer-Encoding:" + written, body=one_chunk(_HEX) + b"0\r\n\r\n", length=False)
        yield Case(f"coding written {written!r}", whole, (200,), closes=False)
    for coding in (
        b"identity", b"gzip", b"gzip, chunked", b"chunked, gzip", b"chunked, identity", b"chunked, chunked",
        b"xchunked", b"chunkedx",
        b"chunked;a=b", b"\x0bchunked", b'"chunked"', b"", b",chunked", b"chunked,", b"cow",
    ):  # fmt: skip
        yield Case(
            f"coding {coding!r}",
            push(b"Transfer-Encoding: " + coding, body=one_chunk(_HEX) + b"0\r\n\r\n", length=False),
            (400,),
        )
    yield Case(
        "chunks in HTTP/1.0",
        push(
            b"Transfer-Encoding: chunked", length=False, body=one_chunk(_HEX) + b"0\r\n\r\n",
            start=b"POST %s HTTP/1.0" % PUSH_PATH.encode(),
        ),
        (400,),
    )  # fmt: skip
    for packing in (b"gzip", b"GZIP", b"br"):
        yield Case(f"packed with {packing.decode()}", push(b"Content-Encoding: " + packing), (400,))
    # A frequent mistake of Java programs, which must not cost them anything.
    yield Case("charset as coding of the content", push(b"Content-Encoding: UTF-8"), (200,), closes=False)
    yield Case(
        "chunks twice and an upgrade",
        chunked(b"Transfer-Encoding: chunked", b"Connection: Upgrade", b"Upgrade: h2c"),
        (400,),
    )


def _chunks() -> Iterator[Case]:
    for name, size in {
        "no number": b"zz", "empty": b"", "minus": b"-1", "plus": b"+" + _HEX, "0x": b"0x" + _HEX, "over 64 bits": b"f" * 17,
        "blank before": b" " + _HEX, "underscore": b"1_0", "control": _HEX + b"\x0b",
    }.items():  # fmt: skip
        yield Case(f"chunk size: {name}", chunked(chunks=one_chunk(size)), (400,))
    yield Case("chunk size with zeros before it", chunked(chunks=one_chunk(b"000" + _HEX)), (200,), closes=False)
    yield Case("chunk size in capitals", chunked(chunks=one_chunk(_HEX.upper())), (200,), closes=False)
    # What has no end is refused when the time to send it is over.
    yield Case("chunk that is promised and does not come", chunked(chunks=b"7fffffff\r\n", end=b""), (400,))
    yield Case("chunk with an extension", chunked(chunks=one_chunk(_HEX + b';a=b;c="d e"')), (200,), closes=False)
    yield Case("extension with a bare LF", chunked(chunks=one_chunk(_HEX + b";a\nb")), (400,))
    yield Case("extension with a NUL", chunked(chunks=one_chunk(_HEX + b";a\x00b")), (400,))
    yield Case("extension without an end", chunked(chunks=_HEX + b";" + b"a" * 40_000, end=b""), (400,))
    yield Case("size ends with a bare LF", chunked(chunks=_HEX + b"\n" + PAGE_BODY + b"\r\n"), (400,))
    yield Case("chunk longer than its size", chunked(chunks=b"5\r\n" + PAGE_BODY + b"\r\n"), (400,))
    yield Case("chunk ends with a bare LF", chunked(chunks=_HEX + b"\r\n" + PAGE_BODY + b"\n"), (400,))
    yield Case("trailers", chunked(end=b"0\r\nX-Sum: 1\r\n\r\n"), (200,), closes=False)
    yield Case("trailer that changes the length", chunked(end=b"0\r\nContent-Length: 5\r\n\r\n"), (400,))
    yield Case("trailer that changes the coding", chunked(end=b"0\r\nTransfer-Encoding: gzip\r\n\r\n"), (400,))
    yield Case("trailer that signs", chunked(end=b"0\r\nAuthorization: x\r\n\r\n"), (200,), closes=False)
    yield Case("trailers without an end", chunked(end=b"0\r\n" + b"X: aaaaaaaaaa\r\n" * 4_000), (400,))
    yield Case("trailer with blanks before its colon", chunked(end=b"0\r\nX : 1\r\n\r\n"), (400,))


def _lines() -> Iterator[Case]:
    yield Case("folded header", health(b"X: a\r\n b"), (400,))
    yield Case("folded header with a tab", health(b"X: a\r\n\tb"), (400,))
    yield Case(
        "folded coding",
        push(b"Transfer-Encoding:\r\n chunked", body=one_chunk(_HEX) + b"0\r\n\r\n", length=False),
        (400,),
    )
    yield Case("head begins with a blank", b"GET /healthz HTTP/1.1\r\n Host: x\r\n\r\n", (400,))
    yield Case("bare LF after the first line", HEALTH.replace(b"1.1\r\n", b"1.1\n"), (400,))
    yield Case("bare LF after a header", HEALTH.replace(b"x\r\n", b"x\n", 1), (400,))
    yield Case("bare LF ends the head", b"GET /healthz HTTP/1.1\r\nHost: x\r\n\n", (400,))
    yield Case("bare CR in a value", health(b"X: a\rb"), (400,))
    yield Case("bare CR after a header", health(b"X: a\rY: b"), (400,))
    yield Case("CR CR LF", health(b"X: a\r"), (400,))
    for byte in (b"\x00", b"\x01", b"\x0b", b"\x1f", b"\x7f"):
        yield Case(f"{byte!r} in a value", health(b"X: a%sb" % byte), (400,))
        yield Case(f"{byte!r} in a name", health(b"X%sY: a" % byte), (400,))
        yield Case(f"{byte!r} in a target", health(start=b"GET /healthz%s HTTP/1.1" % byte), (400,))
    yield Case("tab in a value", health(b"X: a\tb"), (200,), closes=False)
    yield Case("bytes above ASCII in a value", health("X: 粤".encode()), (200,), closes=False)
    yield Case("bytes above ASCII in a name", health("粤: x".encode()), (400,))
    yield Case("blank before the colon", health(b"X : a"), (400,))
    yield Case("blank in a name", health(b"X Y: a"), (400,))
    yield Case("no colon", health(b"nothing"), (400,))
    yield Case("no name", health(b": a"), (400,))
    yield Case("no value", health(b"X:"), (200,), closes=False)
    yield Case("empty lines before the first", b"\r\n\r\n" + HEALTH, (200,), closes=False)
    for name in (b"Host", b"Authorization", b"Content-Type"):
        yield Case(f"{name.decode()} twice", push(name + b": x"), (400,))


def _bounds() -> Iterator[Case]:
    yield Case("target over the bound", health(start=b"GET /%s HTTP/1.1" % (b"a" * 40_000)), (413,), closes=False)
    yield Case("target without an end", b"GET /" + b"a" * 40_000, (413,))
    yield Case("method without an end", b"G" * 40_000, (400,))
    yield Case("header over the bound", health(b"X: " + b"a" * 40_000), (413,), closes=False)
    yield Case("name over the bound", health(b"a" * 40_000 + b": x"), (413,), closes=False)
    yield Case("too many headers", health(*[b"X%d: a" % number for number in range(4_000)]), (413,), closes=False)
    yield Case("one header too often", health(*[b"X: a"] * 8_000), (413,), closes=False)
    yield Case(
        "many headers within the bound", health(*[b"X%d: a" % number for number in range(500)]), (200,), closes=False
    )


def _starts() -> Iterator[Case]:
    yield Case("HTTP/0.9", b"GET /healthz\r\n\r\n", (400,))
    yield Case("push in HTTP/0.9", push(start=b"POST " + PUSH_PATH.encode()), (400,))
    yield Case("HTTP/1.0", b"GET /healthz HTTP/1.0\r\n\r\n", (200,))
    yield Case("push in HTTP/1.0", push(start=b"POST %s HTTP/1.0" % PUSH_PATH.encode()), (200,))
    for version in (
        b"HTTP/1.2",
        b"HTTP/2.0",
        b"HTTP/3.0",
        b"HTTP/0.9",
        b"HTTP/11.1",
        b"HTTP/1.10",
        b"HTTP/1",
        b"http/1.1",
        b"HTTPS/1.1",
        b"ICE/1.0",
    ):
        yield Case(f"version {version.decode()}", health(start=b"GET /healthz " + version), (400,))
    # The parser cannot tell it from HTTP/1.0, and nothing hangs on it.
    yield Case("version RTSP/1.0", health(start=b"GET /healthz RTSP/1.0"), (200,))
    yield Case(
        "HTTP/2.0 and an upgrade",
        health(b"Connection: Upgrade", b"Upgrade: h2c", start=b"GET /healthz HTTP/2.0"),
        (400,),
    )
    yield Case(
        "HTTP/1.0 and an upgrade",
        health(b"Connection: Upgrade", b"Upgrade: h2c", start=b"GET /healthz HTTP/1.0"),
        (200,),
    )
    yield Case(
        "preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00", (400,)
    )
    yield Case("TLS hello on a plain port", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x5a" * 500, (400,))
    yield Case("SSH", b"SSH-2.0-OpenSSH_9.6\r\n", (400,))
    yield Case("PROXY protocol", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + HEALTH, (400,))
    yield Case("absolute target", health(start=b"GET http://other/healthz HTTP/1.1"), (200,), closes=False)
    yield Case(
        "absolute target, push", push(start=b"POST http://gate%s HTTP/1.1" % PUSH_PATH.encode()), (200,), closes=False
    )
    yield Case("asterisk", health(start=b"OPTIONS * HTTP/1.1"), (404,), closes=False)
    yield Case("CONNECT", health(start=b"CONNECT gate:80 HTTP/1.1"), (400,))
    yield Case("CONNECT and more behind it", health(start=b"CONNECT gate:80 HTTP/1.1") + HEALTH, (400,))
    yield Case("target without a slash", health(start=b"GET healthz HTTP/1.1"), (400,))
    yield Case("target with a fragment", health(start=b"GET /healthz#a HTTP/1.1"), (404,), closes=False)
    yield Case("target with blanks", health(start=b"GET /healthz a HTTP/1.1"), (400,))
    yield Case("two blanks in the first line", health(start=b"GET  /healthz HTTP/1.1"), (200,), closes=False)
    yield Case("tab in the first line", health(start=b"GET\t/healthz HTTP/1.1"), (400,))
    yield Case("no target", health(start=b"GET HTTP/1.1"), (400,))
    yield Case("unknown method", health(start=b"BREW /healthz HTTP/1.1"), (400,))
    yield Case("method in small letters", health(start=b"get /healthz HTTP/1.1"), (400,))
    for target in (
        b"/healthz/",
        b"//healthz",
        b"/./healthz",
        b"/%68ealthz",
        b"/healthz;a",
        b"/HEALTHZ",
        b"/healthz%00",
        b"/a/../healthz",
    ):
        yield Case(f"target {target.decode()}", health(start=b"GET %s HTTP/1.1" % target), (404,), closes=False)
    yield Case("no Host", b"GET /healthz HTTP/1.1\r\n\r\n", (400,), closes=False)


def _wishes() -> Iterator[Case]:
    yield Case("Expect, body at once", push(b"Expect: 100-continue"), (100, 200), closes=False)
    yield Case("Expect in capitals", push(b"Expect: 100-CONTINUE"), (100, 200), closes=False)
    yield Case("Expect of something else", push(b"Expect: a-miracle"), (200,), closes=False)
    yield Case("Expect without a body", health(b"Expect: 100-continue"), (200,), closes=False)
    yield Case(
        "Expect in HTTP/1.0", push(b"Expect: 100-continue", start=b"POST %s HTTP/1.0" % PUSH_PATH.encode()), (200,)
    )
    yield Case("Upgrade to HTTP/2", push(b"Connection: Upgrade", b"Upgrade: h2c"), (200,), closes=False)
    yield Case("Upgrade to a web socket", health(b"Connection: Upgrade", b"Upgrade: websocket"), (200,), closes=False)
    yield Case(
        "Upgrade and a second head behind it",
        push(b"Connection: Upgrade", b"Upgrade: h2c") + HEALTH,
        (200, 200),
        closes=False,
    )
    yield Case("Upgrade with chunks", chunked(b"Connection: Upgrade", b"Upgrade: h2c"), (200,), closes=False)
    yield Case("Upgrade with two lengths", push(b"Connection: Upgrade", b"Upgrade: h2c", b"Content-Length: 5"), (400,))
    yield Case("Connection: close", health(b"Connection: close"), (200,))
    yield Case(
        "Connection: close, then an upgrade",
        health(b"Connection: close", b"Connection: Upgrade", b"Upgrade: h2c"),
        (200,),
    )
    yield Case("Connection: Close among others", health(b"Connection: keep-alive, Close"), (200,))


def _lines_of_requests() -> Iterator[Case]:
    bad = push(body=PAGE_BODY.replace(b"page", b"PAGE").replace(b"33333", b"33334"))
    missing = HEALTH.replace(b"healthz", b"nowhere")
    yield Case("three at once", HEALTH + push() + HEALTH, (200, 200, 200), closes=False)
    yield Case("refused by the pipeline, then another", bad + HEALTH, (401, 200), closes=False)
    yield Case("no such path, then another", missing + HEALTH, (404, 200), closes=False)
    yield Case("no such path with a body, then another", push(start=b"POST /nowhere HTTP/1.1") + HEALTH, (404,))
    yield Case("broken one, then another", HEALTH + health(b"X : a") + HEALTH, (200, 400))
    yield Case("last one, then another", health(b"Connection: close") + push(), (200,))
    yield Case("last one, then nonsense", push(b"Connection: close") + b"nonsense\r\n\r\n", (200,))
    yield Case("HTTP/1.0, then another", b"GET /healthz HTTP/1.0\r\n\r\n" + HEALTH, (200,))
    yield Case("newline behind the body", push(body=PAGE_BODY + b"\r\n"), (200,), closes=False)
    yield Case("body longer than its length says", push(body=PAGE_BODY + b"  }]}") + HEALTH, (200, 400))
    yield Case("smuggled behind a length", push(b"Content-Length: 0", body=HEALTH), (400,))
    yield Case("smuggled in a body", push(body=PAGE_BODY[: -len(HEALTH)] + HEALTH), (400,), closes=False)
    yield Case("HEAD, then another", HEALTH.replace(b"GET", b"HEAD") + HEALTH, (200, 200), closes=False)


CASES: Final[tuple[Case, ...]] = (
    *_lengths(), *_codings(), *_chunks(), *_lines(), *_bounds(), *_starts(), *_wishes(), *_lines_of_requests(),
)  # fmt: skip


def _inside() -> Iterator[Case]:
    """The admin port, which another server serves: what differs from the public port is lenient and unambiguous."""
    both = health(b"Transfer-Encoding: chunked", b"Content-Length: 5")
    yield Case("one request", HEALTH, (200,), closes=False)
    yield Case("a body and its length", health(b"Content-Length: 2") + b"{}" + HEALTH, (200, 200), closes=False)
    yield Case("chunks", health(b"Transfer-Encoding: chunked") + b"2\r\n{}\r\n0\r\n\r\n", (200,), closes=False)
    yield Case("length and chunks", both + b"0\r\n\r\n", (400,))
    yield Case("length and chunks, and another", both + b"0\r\n\r\n" + HEALTH, (400,))
    yield Case("two lengths", health(b"Content-Length: 2", b"Content-Length: 3") + b"{}", (400,))
    for written in (b"+2", b"-1", b"0x2", b"", b"2 2", b"9" * 25):
        yield Case(f"length {written!r}", health(b"Content-Length: " + written) + b"{}", (400,))
    for coding in (b"identity", b"gzip", b"gzip, chunked", b"chunked, gzip", b"xchunked", b"\x0bchunked"):
        yield Case(f"coding {coding!r}", health(b"Transfer-Encoding: " + coding) + b"0\r\n\r\n", (400,))
    yield Case(
        "chunks twice", health(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked") + b"0\r\n\r\n", (400,)
    )
    yield Case(
        "chunks in HTTP/1.0",
        health(b"Transfer-Encoding: chunked", start=b"GET /healthz HTTP/1.0") + b"0\r\n\r\n",
        (400,),
    )
    for line in (b"X : a", b"X Y: a", b"nothing", b": a", b"X: a\rb", b"X: a\x00b", b"X\x7f: a", b"Host: y"):
        yield Case(f"header {line!r}", health(line), (400,))
    yield Case("folded header is one line", health(b"X: a\r\n b"), (200,), closes=False)
    yield Case("head begins with a blank", b"GET /healthz HTTP/1.1\r\n Host: x\r\n\r\n", (400,))
    yield Case("no Host", b"GET /healthz HTTP/1.1\r\n\r\n", (400,))
    yield Case("HTTP/1.0", b"GET /healthz HTTP/1.0\r\n\r\n", (200,))
    for version in (b"HTTP/0.9", b"HTTP/1.2", b"HTTP/2.0", b"HTTP/11.1", b"http/1.1", b"RTSP/1.0", b""):
        yield Case(f"version {version.decode()}", health(start=b"GET /healthz " + version), (400,))
    yield Case("preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400,))
    yield Case("TLS hello on a plain port", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x5a" * 500, (400,))
    yield Case("target without an end", b"GET /" + b"a" * 80_000, (400,))
    yield Case("header without an end", health(b"X: " + b"a" * 80_000)[:-4], (400,))
    yield Case("offer of a web socket", health(b"Connection: Upgrade", b"Upgrade: websocket"), (200,), closes=False)
    yield Case("three at once", HEALTH * 3, (200, 200, 200), closes=False)
    yield Case("last one, then another", health(b"Connection: close") + HEALTH, (200,))
    yield Case("broken one, then another", HEALTH + health(b"X : a") + HEALTH, (200, 400))


INSIDE_CASES: Final[tuple[Case, ...]] = tuple(_inside())

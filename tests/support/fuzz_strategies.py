"""Strategies of hypothesis that make bad input: valid bytes that are cut, mixed and filled with what parsers dislike."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from hypothesis import strategies as st

STEPS_MAX: Final = 6
# More than a body may have (fuzz/gateway.py), less than what is drained after a refusal: past that nothing is answered any more.
BYTES_MAX: Final = 400 * 1024
REPEATS: Final = (2, 3, 50, 2_000)

JSON_WORDS: Final = [
    b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"null", b"true", b"NaN", b"-", b"0", b"1e400", b"1e-400", b"-0",
    b"\\u0000", b"\\ud800", b"\\udc00\\ud800", b"\\u", b"\\x", b"\x00", b"\x1f", b"\x7f", b"\xc2\x85", b"\xff",
    b"\xed\xa0\x80",
    b"\xc0\xaf", b"\xf4\x90\x80\x80", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"\x81\x30\x81\x30", b"\xfe\xfe", b"[[[[[[[[",
    b"]]]]]]]]",
    b'{"a":', b'"complete":1', b'"park_uuid":"x"', b'"row":[]', b'"row":"[]"', b"9" * 400, b"0." + b"0" * 400 + b"1", b"/**/",
    b"\t",
    b'"plate"', b'"pay_partner"', b'"pay_partner":"P1"', b"'", b"\xa3\xb1", b"\r\n", b" ", b"2022-09-30T16:00:00Z",
    b"\xc2\xa0",
]  # fmt: skip
HTTP_WORDS: Final = [
    b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"\x00", b" ", b"\t", b":", b";", b",", b"Content-Length: 0\r\n",
    b"Content-Length: 5\r\n",
    b"Content-Length: +5\r\n", b"Content-Length: -1\r\n", b"Content-Length: 0x5\r\n",
    b"Content-Length: 99999999999999999999\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: identity\r\n", b"Transfer-Encoding: gzip, chunked\r\n",
    b"chunked, ",
    b"Transfer-Encoding: xchunked\r\n", b"Transfer-Encoding:\x0bchunked\r\n", b"0\r\n\r\n", b"5\r\nhello\r\n",
    b"ffffffffffffffff\r\n",
    b"Connection: close\r\n", b"Connection: keep-alive\r\n", b"Connection: upgrade\r\nUpgrade: h2c\r\n",
    b"Expect: 100-continue\r\n",
    b"HTTP/1.0", b"HTTP/1.1", b"HTTP/0.9", b"HTTP/2.0", b"GET ", b"HEAD ", b"POST ", b"CONNECT ", b"PRI ", b"OPTIONS * ",
    b"/healthz",
    b"http://gate", b"Host: x\r\n", b"X: a\r\n b\r\n", b"X : a\r\n", b"\xff\xfe", b"Authorization: ",
    b"Content-Type: application/json\r\n",
    b"webhook-id: a\r\nwebhook-timestamp: 1\r\nwebhook-signature: v1,aa\r\n", b"X-Forwarded-For: 1.1.1.1\r\n",
    b"Accept-Language: en\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", b"a" * 9_000, b"\x16\x03\x01\x02\x00\x01",
]  # fmt: skip
ANSWER_WORDS: Final = [
    b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 204 No Content\r\n", b"HTTP/1.1 103 Early Hints\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\n",
    b"HTTP/1.1 302 Found\r\nLocation: ", b"Location: //[\r\n", b"Location: http://xn--\r\n", b"http:", b"[::1", b":99999",
    b"xn--a",
    b"Content-Encoding: gzip\r\n", b"Content-Encoding: br, zstd\r\n", b"Content-Encoding: deflate\r\n", b"\x1f\x8b\x08\x00",
    b"charset=",
    b"Content-Type: text/html; charset=idna\r\n", b"Retry-After: ", b"Retry-After: -1\r\n", b"Date: ", b"Sat, 00 Jan 0000",
    b"+9999",
    b'"code":', b'"1001"', b'"hint":', b'"payload":', b'"digest":', b'"records":', b'"next":', b'"count":-1', b"row[99999]",
    b"1e400",
    *JSON_WORDS, *HTTP_WORDS[:24],
]  # fmt: skip
ADDRESS_WORDS: Final = [
    b"/", b"?", b"&", b"=", b"%", b"%00", b"%2F", b"%25", b"%ff", b"%ED%A0%80", b"%E7%B2%A4", b"..", b";", b"#", b"+", b"0",
    b"-1",
    b"9" * 40, b"1e5", b"2026-02-30", b"0000-00-00", b"9999-12-31", b"9999-12-31T23:59:59-23:59",
    b"0001-01-01T00:00:00%2B23:59",
    b"T00:00:00Z", b"limit=0", b"limit=1000000", b"after=", b"after=AAAA", b"before=x", b"lang=en", b"q=%27", b"q=%", b"q=_",
    b"&&",
    b"plate=", b"since=", b"until=", b"days=", b"days=99999999999", b"%E2%80%AE", b"%0A", b"'", b"a" * 300, b"%F0%9F%98%80",
    b"*",
    b"[",
]  # fmt: skip
CSV_WORDS: Final = [
    b'"', b'""', b",", b";", b"\t", b"|", b"\r\n", b"\n", b"\r", b"\x00", b"\x1a", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff",
    b"\xff",
    b"\x81", b"\xd4\xc1", b'"a\nb"', b",,,,,,,,", b" ", b"=1+1", b"\xe2\x80\xa8", b"\x0b", b"\x0c", b"\x1c", b"\x85", b"\\",
]  # fmt: skip

# The headers that a port of ours reads, or that a proxy or a careless server would act on.
HEADER_NAMES: Final = [
    b"Content-Type", b"Authorization", b"webhook-id", b"webhook-timestamp", b"webhook-signature", b"Accept-Language",
    b"Content-Encoding", b"Transfer-Encoding", b"Content-Length", b"Expect", b"Connection", b"Upgrade", b"Host",
    b"X-Forwarded-For", b"X-Forwarded-Host", b"X-Forwarded-Proto", b"X-Real-IP", b"Forwarded", b"Via", b"Cookie", b"Origin",
    b"Referer", b"Sec-Fetch-Site", b"If-None-Match", b"If-Modified-Since", b"If-Match", b"Range", b"If-Range", b"Accept",
    b"Accept-Encoding", b"Accept-Charset", b"Content-MD5", b"Content-Location", b"Content-Range", b"Content-Language", b"TE",
    b"Trailer", b"Date", b"X-HTTP-Method-Override", b"X-Original-URL", b"X-Park-UUID", b"Last-Event-ID", b"User-Agent",
]  # fmt: skip
HEADER_VALUES: Final = [
    b"application/json; charset=gbk", b"application/json; charset=utf-8", b"application/json;charset*1=x; charset*=y",
    b"application/json; charset*0*=gbk''x; charset*1=y", b"text/plain", b"en", b"zh-CN,zh;q=0.9,en;q=0.8", b"gzip",
    b"identity", b"chunked", b"0", b"5", b"99999999999999999999", b"-1", b"+5", b"9" * 5_000, b"100-continue", b"close",
    b"keep-alive, upgrade", b"h2c", b"[", b"[::1", b"[::1]:80", b"http://[", b"http://a]b", b"//[", b"a b", b"gate:99999",
    b"1.1.1.1", b"::1", b"::ffff:1.1.1.1", b"fe80::1%eth0", b"1.1.1.1, 10.0.0.7", b"for=1.1.1.1", b"," * 500, b"null",
    b"vipgate=x; vipgate=y", b'vipgate="\\303\\666"', b"vipgate_guest=x", b"vipgate_language=\xff", b"=", b";", b"a=b=c",
    b"same-origin", b"cross-site", b'"x"', b'W/"', b"*", b"bytes=0-,1-", b"bytes=" + b"0-," * 500, b"bytes=9-1",
    b"Bearer x", b"Bearer vipgate_", b"Basic !!", b"v1,aa", b"v1," + b"A" * 600, b"msg_1", b"a.b", b"1", b"9" * 13,
    b"GET", b"DELETE", b"/metrics", b"Sat, 00 Jan 0000 00:00:00 GMT", b"",
]  # fmt: skip
HEADER_WORDS: Final = [
    *HEADER_VALUES, b"\x00", b"\x01", b"\x7f", b"\x80", b"\x85", b"\xa0", b"\xff", b"\xe7\xb2\xa4", b"\t", b" ", b"  ", b"\\", b'"',
    b"'", b"%", b"%zz", b"*", b"*=", b"*0=", b"=?utf-8?b?", b"\r\n", b"\n", b"\r", b"\r\n ", b":", b"charset=",
    b"application/json; ",
]  # fmt: skip

ODD: Final[list[Any]] = [
    "", " ", "1", "0", "-1", "9", "1.0", "1.5", "01", "1e2", "null", "NaN", "粤X33333", "ａ", "2022-09-30T16:00:00Z",
    "2022-10-01T00:00:00", "9999-12-31T23:59:59-01:00", "1625068799000", "1625068799", "x" * 64, "x" * 65, "😀" * 64, "a\x00b",
    "\u2028", "\x85", 0, 1, 2, -1, 1.0, 1.5, 1e300, 1625068799000, 10**12 + 1, 2**63, 10**30, True, False, None, [], {}, [1],
    {"a": []}, "[]", "[{}]",
]  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn, seeds: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    """One of `seeds` after a few steps of damage."""
    data = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(1, STEPS_MAX))):
        data = draw(_step(data, seeds, words))[:BYTES_MAX]
    return data


@st.composite
def _step(draw: st.DrawFn, data: bytes, seeds: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    since = draw(st.integers(0, len(data)))
    until = min(len(data), since + draw(st.sampled_from([0, 0, 1, 2, 8, 40])))
    before, cut, after = data[:since], data[since:until], data[until:]
    kind = draw(st.sampled_from(["word", "word", "word", "bytes", "drop", "double", "repeat", "mix", "end", "flip"]))
    if kind == "word":
        return before + draw(st.sampled_from(words)) + after
    if kind == "bytes":
        return before + draw(st.binary(max_size=6)) + after
    if kind == "double":
        return before + cut + cut + after
    if kind == "repeat":
        return before + draw(st.sampled_from(words)) * draw(st.sampled_from(REPEATS)) + after
    if kind == "mix":
        other = draw(st.sampled_from(seeds))
        return before + other[draw(st.integers(0, len(other))) :]
    if kind == "end":
        return before
    if kind == "flip" and cut:
        return before + bytes([cut[0] ^ (1 << draw(st.integers(0, 7)))]) + cut[1:] + after
    return before + after


@st.composite
def odd_headers(draw: st.DrawFn, seeds: Sequence[bytes]) -> bytes:
    """Lines of a head, as they stand between the first one and the end; those of `seeds` among them."""
    values = st.sampled_from(HEADER_VALUES) | damaged(HEADER_VALUES, HEADER_WORDS) | st.binary(max_size=20)
    lines = st.builds(lambda name, value: name + b": " + value, st.sampled_from(HEADER_NAMES), values)
    return b"\r\n".join(draw(st.lists(lines | st.sampled_from(seeds), min_size=1, max_size=5)))


@st.composite
def odd_requests(draw: st.DrawFn, valid: bytes) -> bytes:
    """`valid`, a request in JSON, with members that are missing, doubled, misplaced or of another kind, still JSON."""
    request = json.loads(valid)
    for _ in range(draw(st.integers(1, 4))):
        row = draw(st.sampled_from(request["row"]))
        place = request if draw(st.integers(0, 5)) == 0 else row
        name = draw(st.sampled_from([*sorted(place), "value", "other", "complete"]))
        if draw(st.integers(0, 4)) == 0:
            if name != "row":
                place.pop(name, None)
        elif place is row:
            place[name] = draw(st.sampled_from(ODD) | st.text(max_size=20))
        elif name != "row":
            place[name] = draw(st.sampled_from(ODD))
    if draw(st.booleans()):
        request["row"] = request["row"] * draw(st.integers(1, 3))
    if draw(st.integers(0, 3)) == 0:
        request["row"] = json.dumps(request["row"], ensure_ascii=draw(st.booleans()))
    text = json.dumps(request, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 1])))
    return text.encode("utf-8", "surrogatepass")

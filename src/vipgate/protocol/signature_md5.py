"""MD5 signatures: signs a body, checks a signature, diagnoses a wrong one. Pure.

The signature is the hex MD5 of the body's bytes, `&app_secret=` and the park's secret (wire contract, Signature).
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterable, Iterator
from hashlib import md5
from typing import Final

from vipgate.i18n import LocalizedText
from vipgate.protocol.signature_rewrites import GBK, rewritten
from vipgate.support.hashes import Hash

SECRET_MARK: Final = b"&app_secret="
DIAGNOSIS_BYTES_MAX: Final = 256 * 1024
AUTHORIZATION_CHARS_MAX: Final = 512

BOM: Final = b"\xef\xbb\xbf"
_MD5_HEX_CHARS = 32
# Each with its BOM, which some clients include in the signed text.
_UTF_16 = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}


BOM_IN_SECRET: Final = LocalizedText(
    "密钥前有 BOM (密钥文件保存成了带 BOM 的 UTF-8); 请另存为不带 BOM 的 UTF-8",
    "a BOM stands before the secret (its file was saved as UTF-8 with BOM); save it as UTF-8 without BOM",
)
_UTF_16_SIGNED: Final = LocalizedText(
    "签名用的是 UTF-16 字节, 应对实际发送的字节签名",
    "signed over UTF-16 bytes; sign the very bytes that are sent",
)
_QUESTION_MARKS: Final = LocalizedText(
    "签名用的正文里中文变成了 ? (按 ASCII 或 ISO-8859-1 取了字节); 请按 UTF-8 取字节, 并对实际发送的字节签名",
    "signed over ? in place of Chinese (bytes taken as ASCII or ISO-8859-1); take the bytes as UTF-8, and sign those that are sent",
)


def sign(body: bytes, secret: str) -> str:
    """Returns the signature of `body`: 32 lower-case hex digits."""
    return signature_from(md5(body, usedforsecurity=False), secret)


def signature_from(body_md5: Hash, secret: str) -> str:
    """Returns the signature of an already hashed body; does not change `body_md5`."""
    digest = body_md5.copy()
    digest.update(SECRET_MARK + secret.encode())
    return digest.hexdigest()


def is_signed(body_md5: Hash, authorization: str, secret: str) -> bool:
    """Whether `authorization` is the signature under `secret`, ignoring case and blanks around it. Constant time."""
    given = authorization.strip().lower().encode("utf-8", "replace")
    return hmac.compare_digest(signature_from(body_md5, secret).encode(), given)


def diagnose(
    body: bytes, authorization: str, secrets: Iterable[tuple[str, LocalizedText | None]]
) -> LocalizedText | None:
    """Finds the client mistake that explains a wrong `authorization`; None where none is known.

    `secrets` are the park's secrets, each with what is wrong about using it (None: it is the right one).
    Ignores bodies over DIAGNOSIS_BYTES_MAX bytes, to bound the time.
    """
    if len(body) > DIAGNOSIS_BYTES_MAX or len(authorization) > AUTHORIZATION_CHARS_MAX:
        return None
    wanted = list(_digests_meant(authorization))
    marks = [(blame, *mark) for secret, blame in secrets for mark in _marks(secret)]
    for variant, encoding, body_words in _texts_signed(body):
        body_md5 = md5(variant, usedforsecurity=False)
        for secret_words, tail, tail_words in marks:
            digest = body_md5.copy()
            digest.update(tail if encoding is None else tail.decode().encode(encoding))
            found = digest.hexdigest()
            for given, form_words in wanted:
                if hmac.compare_digest(found[8:24] if len(given) == 16 else found, given):
                    causes = [
                        words for words in (form_words, tail_words, body_words, secret_words) if words is not None
                    ]
                    if causes:
                        return LocalizedText("; ".join(w.zh for w in causes), "; ".join(w.en for w in causes))
    return None


def _digests_meant(authorization: str) -> Iterator[tuple[str, LocalizedText | None]]:
    """Yields the hex digests that `authorization` may mean, each with what is wrong about its form."""
    text = authorization.strip()
    yield from _digest_of_word(text, None)
    if " " in text:
        scheme = LocalizedText(
            "Authorization 里只应有签名本身, 前面不应有别的词",
            "Authorization holds the signature alone, no word before it",
        )
        yield from _digest_of_word(text.split()[-1], scheme)
    elif "=" in text[:-2]:
        name = LocalizedText(
            "Authorization 里只应有签名本身, 不应是 名称=值", "Authorization holds the signature alone, not name=value"
        )
        yield from _digest_of_word(text.split("=", 1)[1], name)


def _digest_of_word(word: str, words: LocalizedText | None) -> Iterator[tuple[str, LocalizedText | None]]:
    word = word.strip('"')
    if len(word) == _MD5_HEX_CHARS and word.isascii():
        yield word.lower(), words
    if len(word) == 16 and word.isascii():
        yield (
            word.lower(),
            LocalizedText(
                "用了 16 位 MD5, 应为 32 位十六进制", "this is the 16 digit form of MD5, 32 hex digits wanted"
            ),
        )
    try:
        raw = base64.b64decode(word, validate=True)
    except (binascii.Error, ValueError):
        return
    base64_words = LocalizedText("签名是 base64, 应为十六进制", "the signature is base64, hex wanted")
    if len(raw) == 16:
        yield raw.hex(), base64_words
    elif len(raw) == _MD5_HEX_CHARS and raw.isalnum():
        yield raw.decode("ascii").lower(), base64_words


def _marks(secret: str) -> Iterator[tuple[bytes, LocalizedText | None]]:
    """Yields what clients append to the body, each with its mistake."""
    key = secret.encode()
    wanted = "&app_secret="
    yield SECRET_MARK + key, None
    yield (
        b"&key=" + key,
        LocalizedText(f"密钥前用了 &key=, 应为 {wanted}", f"the secret was joined with &key=, {wanted} wanted"),
    )
    yield key, LocalizedText(f"密钥前什么也没有, 应为 {wanted}", f"the secret was joined with nothing, {wanted} wanted")
    yield (
        b"app_secret=" + key,
        LocalizedText(f"app_secret= 前少了 &, 应为 {wanted}", f"the & is missing, {wanted} wanted"),
    )
    yield (
        b"&app_secret =" + key,
        LocalizedText(f"app_secret 后多了空格, 应为 {wanted}", f"a blank too many, {wanted} wanted"),
    )
    yield SECRET_MARK + BOM + key, BOM_IN_SECRET


def _texts_signed(body: bytes) -> Iterator[tuple[bytes, str | None, LocalizedText | None]]:
    """Yields `bodies_signed`, and UTF-16 variants where the secret is encoded in UTF-16 too."""
    for variant, words in bodies_signed(body):
        yield variant, None, words
    text, _ = _decoded(body)
    for encoding, bom in _UTF_16.items():
        variant = text.encode(encoding)
        yield variant, encoding, _UTF_16_SIGNED
        yield bom + variant, encoding, _UTF_16_SIGNED


def _decoded(body: bytes) -> tuple[str, bool]:
    """Decodes a body; also returns whether it is UTF-8."""
    bare = body.removeprefix(BOM)
    try:
        return bare.decode("utf-8"), True
    except UnicodeDecodeError:
        return bare.decode("gb18030", "replace"), False


def bodies_signed(body: bytes) -> Iterator[tuple[bytes, LocalizedText | None]]:
    """Yields what clients sign instead of the sent bytes, each with its mistake."""
    yield body, None
    utf8 = LocalizedText(
        "签名用的是 UTF-8 字节, 而发送的是另一种编码", "signed over UTF-8 bytes, but another encoding was sent"
    )
    bom = LocalizedText(
        "BOM 参与签名与否和发送的不一致", "the BOM is in what was signed or in what was sent, not in both"
    )
    newline = LocalizedText(
        "结尾换行参与签名与否和发送的不一致",
        "a trailing newline is in what was signed or in what was sent, not in both",
    )
    bare = body.removeprefix(BOM)
    yield (bare if bare != body else BOM + body), bom
    stripped = body.rstrip(b"\r\n")
    for variant in {stripped, stripped + b"\n", stripped + b"\r\n"} - {body}:
        yield variant, newline
    text, is_utf8 = _decoded(body)
    yield (text.encode("gb18030"), GBK) if is_utf8 else (text.encode("utf-8"), utf8)
    for encoding in _UTF_16:
        yield text.encode(encoding), _UTF_16_SIGNED
    if not text.isascii():
        for encoding in ("ascii", "latin-1"):
            yield text.encode(encoding, "replace"), _QUESTION_MARKS
    yield from rewritten(text)

"""Signed pushes as the pipeline gets them, right and wrong in the ways that tests need."""

from __future__ import annotations

from hashlib import md5
from typing import Any

from support.protocol_pipeline import SECRET, request, row
from vipgate.gateway.push_request import PushRequest
from vipgate.protocol.signature_hmac import WebhookSignature
from vipgate.protocol.signature_md5 import sign
from vipgate.support.vault import Vault

VAULT = Vault("k" * 32)
PARK = "p"
GBK = "application/json; charset=gbk"


def knock(
    number: int,
    *,
    large: bool = False,
    secret: str = SECRET,
    stamp: WebhookSignature | None = None,
    park: str = PARK,
    content_type: str | None = None,
    broken: bool = False,
    last: bool = False,
    hidden: bool = False,
    decoy: bool = False,
) -> PushRequest:
    """`last`: the park comes after the rows; `hidden`: it is seen by who reads the body alone; `decoy`: another one comes first."""
    padding: dict[str, Any] = {"padding": "x" * 4000} if large else {}
    rows = [row(pay_partner=f"{number}-{place}", **padding) for place in range(400 if large else 1)]
    body = request(*rows, park_uuid=park)
    if last:
        body = b'{"row":' + body.partition(b'"row": ')[2][:-1] + b',"park_uuid":"%s"}' % park.encode()
    if hidden:
        body = body.replace(b"park_uuid", b"park\\u005fuuid")
    if decoy:
        body = b'{"more":{"park_uuid":"decoy"},' + body[1:]
    if broken:
        body = body[:-1]
    if content_type == GBK:
        body = body.decode().encode("gbk")
    return PushRequest(
        body=body,
        body_md5=md5(body, usedforsecurity=False),
        body_sha256="",
        content_type=content_type,
        authorization=sign(body, secret),
        peer="127.0.0.1",
        received_us=1_795_492_800_000_000 + number,
        language="zh",
        webhook_signature=stamp,
    )

"""What becomes of one row: the record that is kept, or the refusal."""

from __future__ import annotations

from typing import Any

from support.protocol_pipeline import request, request_of, row, walk, written
from vipgate.errors import BadRequest
from vipgate.protocol.batch import Batch
from vipgate.protocol.renewal import Renewal


def outcome(body: bytes) -> Batch | BadRequest:
    """What comes of `body`: the same from the careful reader alone, which an escape anywhere in the body calls."""
    careful = body[:-1] + rb',"\u0078":0}'
    answers: list[Batch | BadRequest] = []
    for form in (body, careful):
        try:
            answers.append(walk(form))
        except BadRequest as refusal:
            answers.append(refusal)
    told = [answer if isinstance(answer, Batch) else answer.hint for answer in answers]
    assert told[0] == told[1]
    return answers[0]


def read(**members: Any) -> Renewal:
    batch = outcome(request(row(**members)))
    assert isinstance(batch, Batch)
    return batch.renewals[0]


def refuse(**members: Any) -> BadRequest:
    refusal = outcome(request(row(**members)))
    assert isinstance(refusal, BadRequest)
    return refusal


def read_written(**literals: str) -> Renewal:
    batch = outcome(request_of(written(**literals)))
    assert isinstance(batch, Batch)
    return batch.renewals[0]


def refuse_written(**literals: str) -> BadRequest:
    refusal = outcome(request_of(written(**literals)))
    assert isinstance(refusal, BadRequest)
    return refusal

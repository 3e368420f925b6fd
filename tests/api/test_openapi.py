"""The document, the page, and that the API does what they say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case, CheckFunction, GenerationMode
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi import checks

from support.api_app import Platform, fill, opened, served
from support.store_data import PARK
from support.store_database import Clock
from vipgate.admin.api.openapi import document
from vipgate.admin.api.params import param_specs
from vipgate.admin.api.responses import ChangesResponse, RecordResource
from vipgate.admin.api.routes import BASE, ENDPOINTS
from vipgate.domain.serialization import EXPORT_COLUMNS
from vipgate.store.interfaces.accounts import SCOPES

DOCUMENT: dict[str, Any] = json.loads(document())


def test_document_names_every_verb_with_its_scope_and_parameters() -> None:
    assert DOCUMENT["openapi"].startswith("3.1")
    for verb in ENDPOINTS:
        described = DOCUMENT["paths"][BASE + verb.path]["get"]
        assert described["security"] == [{"token": [verb.scope]}]
        assert [one["name"] for one in described["parameters"]] == [one.name for one in param_specs(verb.params)]
        assert {f"{{{one['name']}}}" for one in described["parameters"] if one["in"] == "path"} == set(
            re.findall(r"\{\w+\}", verb.path)
        )
    assert {verb.scope for verb in ENDPOINTS} | {"metrics"} == set(SCOPES)


def test_every_reference_in_the_document_leads_somewhere() -> None:
    for found in re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(DOCUMENT)):
        place = DOCUMENT
        for part in found.split("/"):
            place = place[part]


def test_members_of_a_record_are_the_columns_of_the_export() -> None:
    assert RecordResource.__struct_fields__ == EXPORT_COLUMNS
    schema = DOCUMENT["components"]["schemas"]["RecordResource"]
    assert tuple(schema["properties"]) == EXPORT_COLUMNS
    assert set(schema["required"]) == set(EXPORT_COLUMNS)


def test_feed_is_described_as_it_is_sent(stocked: Platform) -> None:
    answer = stocked.ask(f"/changes?park_uuid={PARK}", stocked.token())
    described = DOCUMENT["components"]["schemas"]
    [item] = [json.loads(answer.text)["items"][0]]
    assert set(item) == set(described["Changed"]["required"])
    assert "replaced" in json.dumps(described["Replaced"])
    assert ChangesResponse.__struct_fields__ == ("items", "next", "more")


@pytest.mark.parametrize(("language", "word"), [("zh", "查询接口"), ("en", "Read API")])
def test_page_shows_every_verb_in_either_language_and_asks_for_nothing_else(
    platform: Platform, language: str, word: str
) -> None:
    answer = platform.ask("/", None, accept_language=language)
    assert answer.headers["content-security-policy"] == (
        "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    assert word in answer.text
    assert all(f"{BASE}{verb.path}" in answer.text for verb in ENDPOINTS)
    assert platform.ask(f"/?lang={language}", None, accept_language="fr").text == answer.text
    assert not re.search(r"<script|style=|https?://(?!127\.0\.0\.1)", answer.text)
    assert len(answer.content) < 50_000
    for link in re.findall(r'href="(/[^"#]+)"', answer.text):
        assert platform.send(link).status_code == 200, link
    anchors = set(re.findall(r'href="#([^"]+)"', answer.text))
    assert anchors <= set(re.findall(r' id="([^"]+)"', answer.text))
    _Nested(answer.text)


class _Nested(HTMLParser):
    """Wants every element closed in its turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002
        if tag not in ("meta", "link"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag


def test_page_and_document_need_no_token_and_everything_else_does(platform: Platform) -> None:
    for path in ("/", "", "/openapi.json", "/api.css"):
        assert platform.ask(path).status_code == 200
    for verb in ENDPOINTS:
        path = re.sub(r"\{\w+\}", "1" * 32, verb.path)
        needed = "?plate=a" if verb.name == "findRenewals" else ""
        assert platform.ask(path + needed).status_code == 401, path


# positive_data_acceptance is not among them: a cursor or a search over all parks can be well formed and still be refused.
# What must be accepted is told by the other tests.
CHECKS: list[CheckFunction] = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.unsupported_method,
    checks.allow_header_conformance,
    checks.ignored_auth,
]
EXAMPLES = 12
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)


@dataclass(frozen=True, slots=True)
class Served:
    """An API on a real server, and tokens for it."""

    base: str
    tokens: tuple[str, ...]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    url = f"sqlite:///{tmp_path_factory.mktemp('api') / 'ledger.db'}"
    with opened(url, Clock()) as platform, served(fill(platform).app) as base:
        yield Served(base, (platform.token(), platform.token(park=PARK), platform.token(masked=True)))


@SCHEMA.parametrize()
@settings(
    max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
def test_api_does_what_its_document_says(case: Case[Any], api: Served) -> None:
    token = api.tokens[len(str(case.query)) % len(api.tokens)]
    if not _is_wrong(case):
        # Most questions are about a park that is there, or all answers would be 404; none waits.
        if "park_uuid" in case.path_parameters and len(str(case.path_parameters["park_uuid"])) % 4:
            case.path_parameters["park_uuid"] = PARK
        if "wait_s" in case.query:
            case.query["wait_s"] = 0
    case.call_and_validate(
        base_url=api.base,
        headers={"Authorization": f"Bearer {token}"},
        # A question that is wrong for want of a token gets one here.
        checks=CHECKS if _is_wrong(case) else [one for one in CHECKS if one is not checks.negative_data_rejection],
        timeout=30,
    )


def _is_wrong(case: Case[Any]) -> bool:
    """Whether its path or parameters were made to break the document's rules."""
    parts = {} if case.meta is None else case.meta.components
    return any(
        where in (ParameterLocation.PATH, ParameterLocation.QUERY) and part.mode is GenerationMode.NEGATIVE
        for where, part in parts.items()
    )

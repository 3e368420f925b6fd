"""Generates the OpenAPI 3.1 document from the route table and from the types that parse requests and encode responses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import msgspec

from vipgate import __version__
from vipgate.admin.api.endpoint import JSON, AnyEndpoint
from vipgate.admin.api.errors import (
    BAD_PARAMETER,
    NO_TOKEN,
    NOT_ALLOWED,
    NOT_FOUND,
    NOT_INSTALLED,
    STORE_FAULT,
    TOO_MANY,
    UNAVAILABLE,
    ErrorBody,
    ErrorKind,
)
from vipgate.admin.api.params import ParamSpec, param_specs
from vipgate.admin.api.routes import BASE, ENDPOINTS
from vipgate.i18n import LocalizedText
from vipgate.store.interfaces.accounts import SCOPES

ABOUT: Final = LocalizedText(
    "读取平台台账. 列表为 {items, next}: 以 after=next 取下一页. 应答带 ETag, 可用 If-None-Match 省去未变内容. "
    "令牌由运维以 vipgate token add 发放, 按权限与车场限定.",
    "Reads the platform's ledger. Lists are {items, next}: ask for the next page with after=next. Answers have an ETag; "
    "If-None-Match saves unchanged content. The operator creates tokens with vipgate token add, limited to scopes and parks.",
)
_TOKEN_PATTERN: Final = "Bearer vipgate_…"
_REFUSALS: Final = (BAD_PARAMETER, NO_TOKEN, NOT_ALLOWED, NOT_FOUND, TOO_MANY, STORE_FAULT, UNAVAILABLE)
_IN_PATH = re.compile(r"\{(\w+)\}").findall


def path_names(endpoint: AnyEndpoint) -> list[str]:
    """Returns the names of the path parameters."""
    return list(_IN_PATH(endpoint.path))


@cache
def document() -> bytes:
    """Returns the document as JSON."""
    given = [*dict.fromkeys(endpoint.returns for endpoint in ENDPOINTS if endpoint.returns is not None), ErrorBody]
    _, schemas = msgspec.json.schema_components(given, ref_template="#/components/schemas/{name}")
    return msgspec.json.format(
        msgspec.json.encode(
            {
                "openapi": "3.1.0",
                "info": {"title": "vipgate", "version": __version__, "description": ABOUT.en},
                "servers": [{"url": "/"}],
                "paths": {BASE + endpoint.path: {"get": _operation(endpoint)} for endpoint in ENDPOINTS},
                "components": {
                    "schemas": schemas,
                    "securitySchemes": {
                        "token": {
                            "type": "http",
                            "scheme": "bearer",
                            "description": f"{_TOKEN_PATTERN} Scopes: {', '.join(SCOPES)}.",
                        }
                    },
                    "responses": dict(_refusals()),
                },
            }
        ),
        indent=1,
    )


def _operation(endpoint: AnyEndpoint) -> dict[str, Any]:
    refused = [*_REFUSALS, *([NOT_INSTALLED] if endpoint.media.endswith("parquet") else [])]
    return {
        "operationId": endpoint.name,
        "summary": endpoint.summary.en,
        "description": endpoint.detail.en,
        "security": [{"token": [endpoint.scope]}],
        "parameters": [_parameter(one, path_names(endpoint)) for one in param_specs(endpoint.params)],
        "responses": {
            "200": _answer(endpoint),
            "304": {"description": "As If-None-Match has it."},
            **{str(kind.status): {"$ref": f"#/components/responses/{kind.code}"} for kind in refused},
        },
    }


def _parameter(one: ParamSpec, in_path: list[str]) -> dict[str, Any]:
    schema = dict(one.param.kind.schema)
    if not one.required and one.default is not None:
        schema["default"] = one.default
    return {
        "name": one.name,
        "in": "path" if one.name in in_path else "query",
        "required": one.required,
        "description": one.param.words.en,
        "schema": schema,
    }


def _answer(endpoint: AnyEndpoint) -> dict[str, Any]:
    if endpoint.returns is None:
        return {"description": endpoint.summary.en, "content": {endpoint.media: {}}}
    return {
        "description": endpoint.summary.en,
        "headers": {"ETag": {"schema": {"type": "string"}, "description": "Of the content."}},
        "content": {JSON: {"schema": {"$ref": f"#/components/schemas/{endpoint.returns.__name__}"}}},
    }


def _refusals() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields a response for each kind of error; all have the same body."""
    content = {JSON: {"schema": {"$ref": f"#/components/schemas/{ErrorBody.__name__}"}}}
    for kind in (*_REFUSALS, NOT_INSTALLED):
        yield kind.code, {"description": kind.when.en, "content": content, **_headers(kind)}


def _headers(kind: ErrorKind) -> dict[str, Any]:
    names = {NO_TOKEN: "WWW-Authenticate", NOT_ALLOWED: "WWW-Authenticate"}
    names |= {TOO_MANY: "Retry-After", UNAVAILABLE: "Retry-After"}
    return {"headers": {names[kind]: {"schema": {"type": "string"}}}} if kind in names else {}

"""The API reference as an HTML page without scripts, in two languages, generated from the route table."""

from __future__ import annotations

import typing
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Final

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined

from vipgate.admin.api.endpoint import AnyEndpoint
from vipgate.admin.api.errors import (
    BAD_PARAMETER,
    NO_TOKEN,
    NOT_ALLOWED,
    NOT_FOUND,
    NOT_INSTALLED,
    STORE_FAULT,
    UNAVAILABLE,
    WRONG_METHOD,
    ErrorDetail,
)
from vipgate.admin.api.openapi import ABOUT, path_names
from vipgate.admin.api.params import Param, choice, param_specs
from vipgate.admin.api.routes import BASE, ENDPOINTS
from vipgate.i18n import Language, LocalizedText

POLICY: Final = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'"
_REFUSALS: Final = (
    BAD_PARAMETER, NO_TOKEN, NOT_ALLOWED, NOT_FOUND, WRONG_METHOD, STORE_FAULT, NOT_INSTALLED, UNAVAILABLE
)  # fmt: skip
_TEXTS: Final = {
    "title": LocalizedText("查询接口", "Read API"),
    "contents": LocalizedText("目录", "Contents"),
    "document": LocalizedText("OpenAPI 文档", "OpenAPI document"),
    "skip": LocalizedText("跳到正文", "Skip to content"),
    "other": LocalizedText("English", "中文"),
    "parameter": LocalizedText("参数", "Parameter"),
    "member": LocalizedText("字段", "Member"),
    "form": LocalizedText("类型", "Type"),
    "meaning": LocalizedText("含义", "Meaning"),
    "scope": LocalizedText("权限", "Scope"),
    "parameters": LocalizedText("参数", "Parameters"),
    "answer": LocalizedText("应答", "Answer"),
    "required": LocalizedText("必填", "required"),
    "errors": LocalizedText("错误", "Errors"),
    "status": LocalizedText("状态", "Status"),
    "code": LocalizedText("代码", "Code"),
    "file": LocalizedText("文件", "File"),
}


class PageParams(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters of the page."""

    lang: Annotated[Language | None, Param(choice("zh", "en"), LocalizedText("语言", "Language."))] = None


@dataclass(frozen=True, slots=True)
class ReferenceRow:
    """A table row: a parameter or a member."""

    name: str
    form: str
    meaning: str


@dataclass(frozen=True, slots=True)
class ReferenceSection:
    """One endpoint on the page."""

    endpoint: AnyEndpoint
    path: str
    summary: str
    detail: str
    parameters: list[ReferenceRow]
    answers: list[tuple[str, list[ReferenceRow]]]


@cache
def page(language: Language) -> bytes:
    """Renders the page in `language`."""
    texts = {name: words.text(language) for name, words in _TEXTS.items()}
    return (
        _environment()
        .get_template("reference.html")
        .render(
            texts=texts,
            language="zh-CN" if language == "zh" else "en",
            other="en" if language == "zh" else "zh",
            base=BASE,
            about=ABOUT.text(language),
            sections=[_section(endpoint, language, texts) for endpoint in ENDPOINTS],
            error_lines=_members(ErrorDetail, language),
            refusals=[(kind.status, kind.code, kind.when.text(language)) for kind in _REFUSALS],
        )
        .encode()
    )


@cache
def stylesheet() -> bytes:
    """Returns the page's stylesheet."""
    return (files("vipgate.admin.api") / "static" / "api.css").read_bytes()


def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("vipgate.admin.api"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _section(endpoint: AnyEndpoint, language: Language, texts: dict[str, str]) -> ReferenceSection:
    in_path = path_names(endpoint)
    parameters = [
        ReferenceRow(
            f"{{{one.name}}}" if one.name in in_path else one.name,
            _form(one.param.kind.schema) + (f", {texts['required']}" if one.required else ""),
            one.param.words.text(language),
        )
        for one in param_specs(endpoint.params)
    ]
    answers = [] if endpoint.returns is None else _answers(endpoint.returns, language)
    return ReferenceSection(
        endpoint,
        BASE + endpoint.path,
        endpoint.summary.text(language),
        endpoint.detail.text(language),
        parameters,
        answers,
    )


def _answers(gives: type[msgspec.Struct], language: Language) -> list[tuple[str, list[ReferenceRow]]]:
    """Returns the members of the response, then those of the structs in it."""
    tables = [("", _members(gives, language))]
    inner = [part for hint in _hints(gives).values() for part in _structs(hint)]
    return tables + [(struct.__name__, _members(struct, language)) for struct in dict.fromkeys(inner)]


def _structs(hint: Any) -> list[type[msgspec.Struct]]:
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return [hint]
    return [struct for part in typing.get_args(hint) for struct in _structs(part)]


def _members(struct: type[msgspec.Struct], language: Language) -> list[ReferenceRow]:
    config = struct.__struct_config__
    lines = [ReferenceRow(str(config.tag_field), str(config.tag), "")] if config.tag_field else []
    for name, hint in _hints(struct).items():
        meta = next((part for part in typing.get_args(hint) if isinstance(part, msgspec.Meta)), None)
        meaning = "" if meta is None else (meta.description or "")
        if meta is not None and language == "zh":
            meaning = (meta.extra or {}).get("zh", meaning)
        lines.append(ReferenceRow(name, _type_name(hint), meaning))
    return lines


def _hints(struct: type[msgspec.Struct]) -> dict[str, Any]:
    hints = typing.get_type_hints(struct, include_extras=True)
    return {name: hints[name] for name in struct.__struct_fields__}


def _type_name(hint: Any) -> str:
    """Names a type in JSON terms."""
    if typing.get_origin(hint) is Annotated:
        return _type_name(typing.get_args(hint)[0])
    if typing.get_origin(hint) is typing.Literal:
        return " | ".join(typing.get_args(hint))
    if typing.get_origin(hint) is list:
        return f"[{_type_name(typing.get_args(hint)[0])}, …]"
    if parts := typing.get_args(hint):
        return " | ".join(_type_name(part) for part in parts)
    names = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null", msgspec.Raw: "object"}
    return names.get(hint) or str(hint.__name__)


def _form(schema: typing.Mapping[str, Any]) -> str:
    """Summarizes a parameter's schema."""
    if "enum" in schema:
        return " | ".join(schema["enum"])
    if schema["type"] == "integer":
        return f"{schema['minimum']} … {schema['maximum']}"
    return str(schema.get("format", "string")) + (f" ≤ {schema['maxLength']}" if "maxLength" in schema else "")

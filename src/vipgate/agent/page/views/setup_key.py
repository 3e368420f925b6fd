"""Part of the set-up for a table without a primary key, or a query: which columns identify a row."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from starlette.responses import Response

from vipgate.agent.config import SourceConfig
from vipgate.agent.mapping.guess_comments import CommentedColumns
from vipgate.agent.mapping.guess_cursor import guess_cursor
from vipgate.agent.page.request import PageRequest
from vipgate.agent.page.setup_source_named import open_unchanged, source_of_document
from vipgate.agent.setup.document import ConfigDocument
from vipgate.agent.setup.mapping_rows import find_column
from vipgate.agent.setup.samples import Samples, resolve_source, unique_names
from vipgate.agent.sources.open import open_source
from vipgate.errors import UsageError, VipgateError
from vipgate.support.web.forms import FormData

KEY_COLUMNS_MAX: Final = 5
COLUMNS_SHOWN_MAX: Final = 200
LIKELY_SHOWN: Final = 5


async def show(request: PageRequest) -> Response:
    """Shows the columns, those of the present key ticked."""
    return await _page(request, request.form)


async def _page(request: PageRequest, form: FormData, status: int = 200) -> Response:
    context = request.context
    document = ConfigDocument(context.config_path)
    source = source_of_document(document, context.config_path)
    if source.database is None or not (source.table or source.query):
        return request.go("/setup/source")
    try:
        samples = (await request.run(lambda: context.setup.samples(source, context.config_path))).value
    except VipgateError as error:
        return request.page("setup_unread.html", status=409, reason=request.masked(error), step="mapping")
    written = document.get("source", "key")
    names = [written] if isinstance(written, str) else written if isinstance(written, list) else []
    return request.page(
        "setup_key.html", status=status, form=form, columns=samples.columns[:COLUMNS_SHOWN_MAX],
        comments=samples.comments, likely=unique_names(samples)[:LIKELY_SHOWN],
        ticked=[str(find_column(samples.columns, name)) for name in names],
    )  # fmt: skip


async def save(request: PageRequest) -> Response:
    """Stores the key once the source has confirmed it, and the cursor that it makes possible."""
    context, form = request.context, request.form
    source = source_of_document(ConfigDocument(context.config_path), context.config_path)
    samples = (await request.run(lambda: context.setup.samples(source, context.config_path))).value
    places = [str(place) for place in range(len(samples.columns))]
    names = [samples.columns[int(one)] for one in dict.fromkeys(form.all("key")) if one in places]
    if len(names) > KEY_COLUMNS_MAX:
        form.fault("key", f"最多 {KEY_COLUMNS_MAX} 列", f"{KEY_COLUMNS_MAX} columns at most")
        return await _page(request, form, 422)
    try:
        # Reads all rows, within the deadline of a statement.
        await request.run(lambda: _check(replace(source, key=tuple(names) or None), request))
    except VipgateError as error:
        form.fault("key", request.masked(error), request.masked(error))
        return await _page(request, form, 422)
    document = open_unchanged(context.config_path, source)
    document.set("source", {"key": names or None})
    if document.get("source", "cursor") is None:
        document.set("source", {"cursor": _cursor(samples, names)})
    document.save()
    return request.go("/setup/mapping", "saved")


def _check(source: SourceConfig, request: PageRequest) -> None:
    """Raises UsageError if the columns do not identify each row."""
    path = request.context.config_path
    opened = open_source(resolve_source(source, path), base=path.parent)
    try:
        opened.check()
    finally:
        opened.close()


def _cursor(samples: Samples, key: list[str]) -> list[str] | None:
    """The cursor that the key makes possible; None without one."""
    also = CommentedColumns(samples.comments).second_names(samples.columns)
    try:
        found = guess_cursor(samples.columns, samples.rows, key, also).columns
    except UsageError:
        return None
    return list(found) if found else None

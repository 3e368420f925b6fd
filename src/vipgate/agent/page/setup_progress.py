"""Which steps of the set-up are done, and which is the first that is not."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Final

from vipgate.agent.page.context import Context
from vipgate.errors import VipgateError

if TYPE_CHECKING:
    from vipgate.agent.setup.document import ConfigDocument

STEPS: Final = ("platform", "source", "mapping", "preview", "start")


def steps_done(context: Context) -> frozenset[str]:
    """The steps that need nothing any more: told by the files, and by what this page has shown of the preview."""
    from vipgate.agent.setup.document import ConfigDocument

    try:
        document = ConfigDocument(context.config_path)
    except VipgateError:
        return frozenset()
    is_set = all(document.get("platform", key) for key in ("url", "park_uuid", "secret"))
    done = {"platform"} if is_set and not context.setup.is_platform_wrong else set()
    source = document.table("source")
    if source.get("file") or (source.get("database") and (source.get("table") or source.get("query"))):
        done.add("source")
        if _is_mapped(context, document):
            done |= {"mapping"} | _later(context)
    return frozenset(done)


def _is_mapped(context: Context, document: ConfigDocument) -> bool:
    """Whether the whole configuration can be loaded, and no question that refuses a start is open."""
    try:
        context.config()
    except VipgateError:
        return False
    return not any(one.is_blocking for one in document.questions())


def _later(context: Context) -> set[str]:
    if context.spool_path(context.config()).exists():
        return {"preview", "start"}
    return {"preview"} if context.setup.has_preview else set()


def first_open(done: Collection[str]) -> str:
    """The step to go on with: the first that is not done, else the last."""
    return next((step for step in STEPS if step not in done), STEPS[-1])

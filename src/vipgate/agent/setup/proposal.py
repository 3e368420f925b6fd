"""Writes the text of a new configuration from a few answers and the source's first rows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from vipgate.agent.config import SourceConfig
from vipgate.agent.mapping.guess import Proposal
from vipgate.agent.mapping.render import map_lines, render_config
from vipgate.agent.setup.document import ConfigDocument
from vipgate.agent.setup.samples import Samples


@dataclass(frozen=True, slots=True)
class Answers:
    """The settings that no one can guess: platform, park, source."""

    url: str
    park_uuid: str
    secret: str
    source: str
    table: str | None

    @property
    def is_file(self) -> bool:
        """Whether the source is a file, and no database's address."""
        return "://" not in self.source and not self.source.startswith(("env:", "file:"))

    @property
    def source_config(self) -> SourceConfig:
        """The source, its address as it was given."""
        if self.is_file:
            return SourceConfig(file=Path(self.source))
        is_query = (self.table or "").lstrip()[:6].lower() == "select"
        return SourceConfig(
            database=self.source, query=self.table if is_query else None, table=None if is_query else self.table
        )


def put_proposal(document: ConfigDocument, source: SourceConfig, proposal: Proposal) -> None:
    """Replaces the mapping by the proposed one, and the cursor of a database if one is known to work."""
    document.put_table("map", "\n".join(["[map]", *map_lines(proposal), ""]))
    if proposal.cursor and source.file is None:
        document.set("source", {"cursor": list(proposal.cursor)})


def propose_config(answers: Answers, samples: Samples, config: Path) -> str:
    """Returns the configuration's text, with a `# ?` wherever a person has to look."""
    text = render_config(
        samples.proposal(),
        url=answers.url,
        park_uuid=answers.park_uuid,
        secret=answers.secret,
        source=answers.source_config,
        found=samples.found,
    )
    # A task of Windows has no console that would keep what is logged.
    return f"{text}\n[log]\nfile = {json.dumps(f'{config.stem}.log', ensure_ascii=False)}\n"

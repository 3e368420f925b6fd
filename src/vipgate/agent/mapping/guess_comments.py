"""What the comments of a database's columns add to their names: other names, words of codes, disagreement. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from vipgate.agent.mapping.column_comments import codes_in, names_of, unit_in
from vipgate.agent.mapping.guess_codes import meaning
from vipgate.agent.mapping.guess_columns import LOOSE_RANK, Candidate, candidates, excludes, named_members
from vipgate.i18n import tr


class CommentedColumns:
    """The comments by column; most sources have none."""

    def __init__(self, comments: Mapping[str, str]) -> None:
        self.comments = {column: text for column, text in comments.items() if text}
        self._names = names_of(self.comments)
        self._words = {column: codes_in(text) for column, text in self.comments.items()}

    def candidates(self, member: str, columns: Sequence[str]) -> list[Candidate]:
        """The columns that may hold `member` by their name or comment, the likeliest first."""
        found = {one.column: one for one in candidates(member, columns)}
        for column in columns:
            for one in candidates(member, filter(None, [self._names.get(column)])):
                if column not in found or one.rank < found[column].rank:
                    found[column] = Candidate(column, one.rank, one.is_sure)
        ranked = [self._demoted(member, one) for one in found.values()]
        return sorted(ranked, key=lambda one: one.rank)

    def _demoted(self, member: str, one: Candidate) -> Candidate:
        """A candidate about which name and comment disagree comes last."""
        return Candidate(one.column, LOOSE_RANK, False) if self.doubt(member, one.column) else one

    def doubt(self, member: str, column: str) -> str:
        """The question where name and comment do not say the same of `column`; empty if they do, or one says nothing."""
        name = self._names.get(column, "")
        if not name:
            return ""
        if any(one.is_sure for one in candidates(member, [name])):
            by_name = named_members([column])
            agrees = not by_name or member in by_name
        else:
            agrees = not excludes(member, name) and not named_members([name])
        if agrees:
            return ""
        return tr("the column's comment says: {comment}", comment=self.comments[column])

    def says(self, test: Callable[[str], bool], column: str) -> bool:
        """Whether the name of a column passes a test, or the name in its comment."""
        return test(column) or (column in self._names and test(self._names[column]))

    def second_names(self, columns: Iterable[str]) -> dict[str, str]:
        """The names in the comments of these columns."""
        return {column: self._names[column] for column in columns if column in self._names}

    def word(self, column: str, text: str) -> str:
        """The word that the comment has for a value; empty if it has none."""
        return self._words.get(column, {}).get(text, "")

    def codes(self, member: str, column: str, texts: Iterable[str]) -> dict[str, int]:
        """The codes of values that the comment explains. Empty where they are those of the interface anyway."""
        found = {text: meaning(member, self.word(column, text)) for text in texts if self.word(column, text)}
        return {text: code for text, code in found.items() if code is not None}

    def unit(self, column: str) -> str | None:
        """The unit of money that the comment names."""
        return unit_in(self.comments.get(column, ""))

    def explained(self, column: str, texts: Iterable[str]) -> list[str]:
        """Values with the words that the comment has for them: `1 (月卡)`."""
        return [f"{text} ({word})" if (word := self.word(column, text)) else text for text in texts]

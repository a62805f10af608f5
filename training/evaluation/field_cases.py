"""Hard short texts of many kinds, put to the classifier as everybody's texts are: what do people get?

A text may have several labels that are right, and some may be refused. Nothing here is cleaned or batched on its own
account: `Classifier.classify_many` gets the raw texts, so refusals, shortened texts and texts of danger count as shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from model.classifier import Classifier
from model.errors import ModelError, NothingToRead, Unreadable
from model.verdict import SENTIMENTS, Sentiment, Verdict
from training.datasets_catalog import CORPORA
from training.errors import DataError
from training.evaluation.metrics import share
from training.evaluation.sure_answers import SURE
from training.evaluation.systems import Answers
from training.stored import check_folder, read_parquet

NAME = "field_cases"

_LETTERS = {"N": Sentiment.NEGATIVE, "U": Sentiment.NEUTRAL, "P": Sentiment.POSITIVE}
_COLUMNS = ("text", "kind", "allowed", "may_refuse")


@dataclass(frozen=True, slots=True)
class FieldCase:
    """A text as it was written, its kind, every label that is right, and whether it may be refused as unreadable."""

    text: str
    kind: str
    allowed: frozenset[Sentiment]
    may_refuse: bool


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of answers to some cases.

    `sure` are wrong answers with a confidence of at least `SURE`. `refused` are all refusals (unreadable, or nothing to
    read), right ones included: a refusal is right where the case may be refused, and wrong anywhere else.
    """

    cases: int = 0
    right: int = 0
    sure: int = 0
    refused: int = 0

    def plain(self) -> dict[str, int]:
        """As counts for JSON."""
        return asdict(self)

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.cases + other.cases,
            self.right + other.right,
            self.sure + other.sure,
            self.refused + other.refused,
        )


@dataclass(frozen=True, slots=True)
class FieldReport:
    """What the model of `version` said: all cases together, and each kind, the kinds with most wrong answers first."""

    version: str
    total: Tally
    kinds: dict[str, Tally] = field(default_factory=dict)


def load_cases(data: Path) -> tuple[FieldCase, ...]:
    """The cases of a folder of sets. Raises DataError when they are not there or not in their columns."""
    check_folder(data)
    corpus = CORPORA[NAME]
    file = corpus.file(data, "validation")
    if not file.is_file():
        raise DataError(f"The field cases should be at {file}; give the folder that holds the sets with --data.")
    rows = read_parquet(file)
    if missing := [name for name in _COLUMNS if name not in rows.column_names]:
        raise DataError(f"{file} lacks the column {missing[0]!r}; it needs {', '.join(_COLUMNS)}.")
    return tuple(
        FieldCase(str(text or ""), str(kind), _allowed(letters, file), bool(may_refuse))
        for text, kind, letters, may_refuse in zip(*(rows[name][:] for name in _COLUMNS), strict=True)
    )


async def ask(classifier: Classifier, cases: Sequence[FieldCase]) -> FieldReport:
    """Puts all cases to the classifier. Raises the ModelError of a case that failed for any reason but a refusal."""
    answers = await classifier.classify_many([case.text for case in cases])
    kinds: dict[str, Tally] = {}
    for case, answer in zip(cases, answers, strict=True):
        kinds[case.kind] = kinds.get(case.kind, Tally()) + judge(case, answer)
    ordered = sorted(kinds.items(), key=lambda one: (one[1].right - one[1].cases, one[0]))
    return FieldReport(classifier.info.version, _sum(kinds.values()), dict(ordered))


def judge(case: FieldCase, answer: Verdict | ModelError) -> Tally:
    """One case's answer as counts; raises it when it is an error that says nothing about the text.

    A text that is taken for one of danger is negative, and never surely wrong: it is not shown as a rating.
    """
    if isinstance(answer, (Unreadable, NothingToRead)):
        return Tally(cases=1, right=int(case.may_refuse), refused=1)
    if isinstance(answer, ModelError):
        raise answer
    right = answer.sentiment in case.allowed
    return Tally(cases=1, right=int(right), sure=int(not right and not answer.danger and answer.confidence >= SURE))


def tally(cases: Sequence[FieldCase], answers: Answers) -> Tally:
    """What any system said of the cases, in their order, as counts. One without probabilities is never sure."""
    confidence = np.zeros(len(cases)) if answers.probabilities is None else answers.probabilities.max(axis=1)
    total = Tally()
    for case, label, sure, refused in zip(cases, answers.found, confidence, answers.refused, strict=True):
        if refused:
            total += Tally(cases=1, right=int(case.may_refuse), refused=1)
            continue
        right = SENTIMENTS[label] in case.allowed
        total += Tally(cases=1, right=int(right), sure=int(not right and sure >= SURE))
    return total


async def measure(source: str, data: Path) -> FieldReport:
    """Opens a model as the bot does and asks it all cases. Raises DataError and CheckpointErrors."""
    cases = load_cases(data)
    async with await Classifier.open(source) as classifier:
        return await ask(classifier, cases)


def field_table(report: FieldReport) -> str:
    """The report as a Markdown table: the total with its 95 % intervals, then the kinds."""
    lines = ["| kind | cases | right | wrong, sure | refused |", "| --- | ---: | ---: | ---: | ---: |"]
    total = report.total
    lines.append(
        f"| all | {total.cases:,} | {_interval(total.right, total.cases)} | {total.sure} "
        f"({_interval(total.sure, total.cases)}) | {total.refused} |"
    )
    for kind, tally in report.kinds.items():
        lines.append(
            f"| {kind.replace('|', '&#124;')} | {tally.cases} | {tally.right / tally.cases:.0%} | {tally.sure} "
            f"| {tally.refused} |"
        )
    return "\n".join(lines)


def _interval(count: int, of: int) -> str:
    figure = share(np.arange(of) < count)
    return f"{figure.value * 100:.1f} [{figure.low * 100:.1f}, {figure.high * 100:.1f}] %"


def _allowed(letters: object, file: Path) -> frozenset[Sentiment]:
    if not isinstance(letters, str) or not letters or set(letters) - set(_LETTERS):
        raise DataError(f"{file} allows {letters!r}; the letters are {', '.join(_LETTERS)}.")
    return frozenset(_LETTERS[letter] for letter in letters)


def _sum(tallies: Iterable[Tally]) -> Tally:
    total = Tally()
    for tally in tallies:
        total += tally
    return total

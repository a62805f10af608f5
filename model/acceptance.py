"""What a model must show before it answers anybody.

Its own golden examples, and plain texts, of which it must get about as many right as the model it follows.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from model.backends.engine import Engine
from model.checkpoints.checkpoint import GOLDEN, Checkpoint, open_checkpoint
from model.errors import CheckpointError, ModelError, ReloadRefused, Unreadable
from model.verdict import SENTIMENTS, Verdict

RECORDED_ON = "onnxruntime"
"""The backend that golden examples are asked of at the export."""

GOLDEN_TOLERANCE = 0.05
"""How far a probability may be from the recorded one: processors sum in different orders."""

OTHER_PRECISION_TOLERANCE = 0.1
"""The same where int8, in which they are recorded, is not what computes: its own error is not to be found there."""

ALLOWED_MISSES = 0.15
"""Of the plain texts, how much larger a share than the running model a candidate may get wrong."""

LEAST_RIGHT = 0.5
"""Which share of the plain texts any model must get right, even after one that gets none."""

_PLAIN = 0.8
"""The bundled model's golden examples that it is so sure of are plain: nobody would dispute them."""


@dataclass(frozen=True, slots=True)
class Example:
    """A text and what an artefact said of it when it was made; `probabilities` as in `Verdict`.

    It was read in that `language`, "" being English.
    """

    text: str
    sentiment: str
    probabilities: tuple[float, ...]
    language: str = ""


@dataclass(frozen=True, slots=True)
class GoldenFailure:
    """A golden example that came out otherwise: a sentiment with its probability, as words."""

    text: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """A candidate beside the running model on plain texts: how many each gets right, and on how many they agree.

    `change` is the mean absolute difference of their scores, in [0, 2].
    """

    texts: int
    running_right: int
    candidate_right: int
    agree: int
    change: float


def golden_examples(checkpoint: Checkpoint) -> list[Example]:
    """An artefact's golden examples; a plain folder has none. Raises CheckpointError when they cannot be read."""
    found = checkpoint.contents.get(GOLDEN)
    if found is None:
        return []
    try:
        rows = json.loads(found.decode("utf-8"))
        if not isinstance(rows, list):
            raise TypeError("golden examples are a list")
        examples = [
            Example(
                str(row["text"]),
                str(row["sentiment"]),
                tuple(map(float, row["probabilities"])),
                str(row.get("language", "")),
            )
            for row in rows
        ]
        if any(len(example.probabilities) != len(SENTIMENTS) for example in examples):
            raise ValueError("a golden example has three probabilities")
        return examples
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise CheckpointError(f"I can't read {checkpoint.folder / GOLDEN}. Copy the whole artefact again.") from error


def plain_examples() -> list[Example]:
    """Texts that the bundled model is sure of."""
    return [example for example in golden_examples(open_checkpoint()) if max(example.probabilities) >= _PLAIN]


def check_english(candidate: Engine) -> None:
    """Raises ReloadRefused for a model that reads no English: it can't be compared on the plain texts."""
    try:
        candidate.part()
    except Unreadable:
        raise ReloadRefused(
            f"{candidate.checkpoint.source} doesn't read English. Join it to a model that does, as in "
            "bundled+multilingual."
        ) from None


def verdicts_of(engine: Engine, examples: Sequence[Example]) -> list[Verdict]:
    """What an engine that nobody else uses says of them. Raises ReloadRefused when it fails on one."""
    try:
        return [engine.answer(example.text, example.language) for example in examples]
    except Exception as error:  # a runtime raises what it likes
        source = engine.checkpoint.source
        raise ReloadRefused(f"{source} fails on a plain text ({type(error).__name__}).") from error


def golden_failures(
    examples: Sequence[Example], verdicts: Sequence[Verdict | ModelError], backend: str
) -> list[GoldenFailure]:
    """The examples that came out otherwise on that backend than when the artefact was made."""
    tolerance = GOLDEN_TOLERANCE if backend == RECORDED_ON else OTHER_PRECISION_TOLERANCE
    failures = []
    for example, verdict in zip(examples, verdicts, strict=True):
        expected = f"{example.sentiment} {max(example.probabilities):.0%}"
        if isinstance(verdict, ModelError):
            failures.append(GoldenFailure(example.text, expected, "no answer"))
            continue
        near = np.allclose(verdict.probabilities, example.probabilities, atol=tolerance, rtol=0)
        if verdict.sentiment != example.sentiment or not near:
            found = f"{verdict.sentiment} {verdict.confidence:.0%}"
            failures.append(GoldenFailure(example.text, expected, found))
    return failures


def check_golden(candidate: Engine) -> None:
    """Raises ReloadRefused for a model that is not what it was when it was exported; of two each is asked its own."""
    if candidate.parts:
        for part in candidate.parts:
            check_golden(part)
        return
    examples = golden_examples(candidate.checkpoint)
    failures = golden_failures(examples, verdicts_of(candidate, examples), candidate.backend.name)
    if failures:
        raise ReloadRefused(
            f"{candidate.checkpoint.source} fails {len(failures)} of its {len(examples)} golden examples: the first "
            f"should be {failures[0].expected} and is {failures[0].found}."
        )


def check_sizes(candidate: Engine) -> None:
    """Raises CheckpointError for a model that cannot read a whole window, two texts at once, or its last token."""
    checkpoint = candidate.checkpoint
    short = candidate.reader.read("a window")[0]
    start, *words, end = short
    full = [start, *(words[place % len(words)] for place in range(checkpoint.max_length - 2)), end]
    try:
        logits = [candidate.backend.predict(batch) for batch in ([full], [short, short])]
    except Exception as error:  # a runtime raises what it likes
        raise CheckpointError(
            f"{checkpoint.source} can't read windows of {checkpoint.max_length} tokens: {error}"
        ) from error
    try:  # on a GPU one that it has no place for would spoil all that comes after it
        candidate.backend.predict([[start, candidate.reader.last_token, end]])
    except Exception as error:
        raise CheckpointError(
            f"{checkpoint.source} has tokens in its tokenizer.json that the network has no place for."
        ) from error
    labels = len(checkpoint.labels)
    if [each.shape for each in logits] != [(1, labels), (2, labels)] or not np.isfinite(np.concatenate(logits)).all():
        raise CheckpointError(f"{checkpoint.source} doesn't give each text {labels} finite numbers of its own.")


def compare(
    examples: Sequence[Example], running: Sequence[Verdict | ModelError], candidate: Sequence[Verdict | ModelError]
) -> Comparison:
    """Both models' verdicts on the same examples; an error of either counts as wrong."""
    wanted = [example.sentiment for example in examples]
    both = [
        (old, new)
        for old, new in zip(running, candidate, strict=True)
        if isinstance(old, Verdict) and isinstance(new, Verdict)
    ]
    return Comparison(
        texts=len(examples),
        running_right=_right(running, wanted),
        candidate_right=_right(candidate, wanted),
        agree=sum(old.sentiment == new.sentiment for old, new in both),
        change=float(np.mean([abs(old.score - new.score) for old, new in both] or [0.0])),
    )


def _right(verdicts: Sequence[Verdict | ModelError], wanted: Sequence[str]) -> int:
    pairs = zip(verdicts, wanted, strict=True)
    return sum(isinstance(verdict, Verdict) and verdict.sentiment == sentiment for verdict, sentiment in pairs)


def check_comparison(source: str, found: Comparison) -> None:
    """Raises ReloadRefused, with the figures, for a candidate that is clearly worse than the running model, or bad."""
    wanted = max(found.running_right - ALLOWED_MISSES * found.texts, LEAST_RIGHT * found.texts)
    if found.candidate_right < wanted:
        raise ReloadRefused(
            f"{source} gets {found.candidate_right} of {found.texts} plain texts right, the running model "
            f"{found.running_right}."
        )

"""One report: every system on every suite, in one run, on the same texts."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import model
from training.calibration import expected_calibration_error
from training.datasets_catalog import CORPORA
from training.evaluation.field_cases import load_cases, tally
from training.evaluation.metrics import figures, reliability, share, table
from training.evaluation.suites import Suite, country_texts, has_emoji, load_suites, words
from training.evaluation.sure_answers import polarity_flips, sure_and_right
from training.evaluation.systems import Answers, System
from training.evaluation.trivial_edits import changed_verdicts, edited_texts
from training.train import versions

TIMED_TEXTS = 1_000

_CHAT = ("tweet_eval", "goemotions", "twitch")
_TYPED = ("twitch", "dota2")
"""Suites of what people really typed, whose texts are also asked with trivial edits."""
_LENGTHS = {"1 to 3 words": (1, 3), "4 to 10": (4, 10), "11 to 25": (11, 25), "26 and more": (26, 10**9)}
_REVIEW_LENGTHS = {"up to 125 words": (0, 125), "126 to 250": (126, 250), "251 and more": (251, 10**9)}


def evaluate(
    systems: Sequence[System], names: tuple[str, ...], data: Path | None, output: Path, rows: int = 0
) -> dict[str, Any]:
    """Asks every system every suite and returns the report, which is also written to `output/report.json`.

    Answers are kept in `output/answers`, so that an interrupted run goes on and a second one is quick; the times are
    measured anew. All metrics are in [0, 1] with 95 % intervals. Raises DataError when a suite cannot be had.
    """
    keep = output / "answers"
    keep.mkdir(parents=True, exist_ok=True)
    asked: list[tuple[Suite, dict[str, Answers]]] = []
    report: dict[str, Any] = {
        "systems": {system.name: {"version": system.version} for system in systems},
        "rows": rows,
        "suites": {},
        "results": {},
        "confusion": {},
        "reliability": {},
    }
    for suite in load_suites(names, data, rows):
        answers = {
            system.name: _answer(system, suite.name, suite.texts, suite.fingerprint(), keep, suite.language)
            for system in systems
        }
        asked.append((suite, answers))
        report["suites"][suite.name] = {
            "title": suite.title,
            "texts": len(suite.texts),
            "ways": suite.ways,
            "pairs": 0 if suite.pair is None else int(suite.pair.max()) + 1,
        }
        report["results"][suite.name] = {name: _measure(suite, given) for name, given in answers.items()}
        report["confusion"][suite.name] = {
            name: table(suite.truth, _found(suite, given)).tolist() for name, given in answers.items()
        }
        report["reliability"][suite.name] = {
            name: reliability(probabilities, suite.truth)
            for name, given in answers.items()
            if (probabilities := _probabilities(suite, given)) is not None
        }
    report["slices"] = _slices(asked)
    report["trivial_edits"] = _trivial_edits(systems, asked, keep)
    report["field_cases"] = _field_cases(systems, data, keep)
    report["countries"] = {system.name: _countries(system, keep) for system in systems}
    report["seconds_per_1000"] = _time(systems, asked)
    report["versions"] = versions()
    (output / "report.json").write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    return report


@cache
def _reading_version() -> str:
    """A short hash of the code that cleans and reads: when it changes, so may every answer."""
    digest = hashlib.sha256()
    for file in sorted(Path(model.__file__).parent.rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:8]


def _answer(  # noqa: PLR0917
    system: System, name: str, texts: Sequence[str], fingerprint: str, keep: Path, language: str = ""
) -> Answers:
    file = keep / f"{name}-{fingerprint}-{system.version}-{_reading_version()}.npz"
    if file.is_file():
        with np.load(file) as saved:
            probabilities = saved["probabilities"] if len(saved["probabilities"]) else None
            return Answers(saved["found"], saved["score"], probabilities, saved["refused"])
    answers = system.answer(texts, f"{system.name}: {name}", language)
    probabilities = np.zeros((0, 3)) if answers.probabilities is None else answers.probabilities
    beside = file.with_suffix(".part.npz")
    np.savez_compressed(
        beside, found=answers.found, score=answers.score, probabilities=probabilities, refused=answers.refused
    )
    beside.replace(file)
    return answers


def _found(suite: Suite, answers: Answers) -> NDArray[np.int64]:
    return answers.two_way() if suite.ways == 2 else answers.found


def _probabilities(suite: Suite, answers: Answers) -> NDArray[np.float64] | None:
    return answers.polar() if suite.ways == 2 else answers.probabilities


def _measure(suite: Suite, answers: Answers) -> dict[str, Any]:
    found = _found(suite, answers)
    measured: dict[str, Any] = {name: figure.plain() for name, figure in figures(table(suite.truth, found)).items()}
    if suite.ways == 3:
        measured["flips"] = polarity_flips(suite.truth, found)
    measured["refused"] = {"value": round(float(answers.refused.mean()), 4)}
    if suite.pair is not None:
        right = found == suite.truth
        measured["both_right"] = share(np.array([right[suite.pair == p].all() for p in np.unique(suite.pair)])).plain()
    probabilities = _probabilities(suite, answers)
    if probabilities is not None and suite.pair is None:
        measured["ece"] = {"value": round(expected_calibration_error(probabilities, suite.truth), 4)}
        measured["sure_right"] = sure_and_right(suite.truth, probabilities)
    return measured


def _trivial_edits(systems: Sequence[System], asked: Sequence[tuple[Suite, Any]], keep: Path) -> dict[str, Any]:
    """How steady each system's answers are on real chat typed differently; {} where no such suite was asked."""
    texts = [text for suite, _ in asked if suite.name in _TYPED for text in suite.texts]
    if not texts:
        return {}
    variants = edited_texts(texts)
    return {
        system.name: changed_verdicts(
            variants,
            {
                name: _answer(system, f"edit-{number}", part, _suite_of(part).fingerprint(), keep)
                for number, (name, part) in enumerate(variants.items())
            },
        )
        for system in systems
    }


def _field_cases(systems: Sequence[System], data: Path | None, keep: Path) -> dict[str, Any]:
    """The field cases put to every system; {} where they are not in the data."""
    if data is None or not CORPORA["field_cases"].file(data, "validation").is_file():
        return {}
    cases = load_cases(data)
    texts = tuple(case.text for case in cases)
    fingerprint = _suite_of(texts).fingerprint()
    return {
        system.name: tally(cases, _answer(system, "field_cases", texts, fingerprint, keep)).plain()
        for system in systems
    }


def _suite_of(texts: Sequence[str]) -> Suite:
    """Texts without a truth."""
    return Suite("", "", tuple(texts), np.zeros(len(texts), dtype=np.int64))


def _slices(asked: Sequence[tuple[Suite, dict[str, Answers]]]) -> dict[str, dict[str, dict[str, Any]]]:
    """Accuracy by length and by emoji over the chat suites together, and by length over the reviews."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    chat = [(suite, answers) for suite, answers in asked if suite.name in _CHAT]
    reviews = [(suite, answers) for suite, answers in asked if suite.name == "imdb"]
    kinds: list[tuple[str, Sequence[tuple[Suite, dict[str, Answers]]], Callable[[str], bool]]] = [
        *((f"chat, {name}", chat, _between(low, high)) for name, (low, high) in _LENGTHS.items()),
        ("chat, with emoji", chat, has_emoji),
        ("chat, without emoji", chat, lambda text: not has_emoji(text)),
        *((f"reviews, {name}", reviews, _between(low, high)) for name, (low, high) in _REVIEW_LENGTHS.items()),
    ]
    for name, parts, belongs in kinds:
        masks = [np.array([belongs(text) for text in suite.texts], dtype=bool) for suite, _ in parts]
        if not sum(mask.sum() for mask in masks):
            continue
        truth = np.concatenate([suite.truth[mask] for (suite, _), mask in zip(parts, masks, strict=True)])
        found[name] = {}
        for system in parts[0][1]:
            given = [_found(suite, answers[system])[mask] for (suite, answers), mask in zip(parts, masks, strict=True)]
            figure = figures(table(truth, np.concatenate(given)))["accuracy"]
            found[name][system] = figure.plain()
    return found


def _between(low: int, high: int) -> Callable[[str], bool]:
    return lambda text: low <= words(text) <= high


def _countries(system: System, keep: Path) -> dict[str, Any]:
    """How far P(positive), or the score brought to [0, 1], moves with nothing but a country's name."""
    texts = country_texts()
    answers = _answer(system, "countries", texts, _suite_of(texts).fingerprint(), keep)
    positive = (answers.score + 1) / 2 if answers.probabilities is None else answers.probabilities[:, 2]
    return {
        "countries": len(texts),
        "spread": round(float(positive.max() - positive.min()), 4),
        "deviation": round(float(positive.std()), 4),
        "lowest": {"text": texts[int(positive.argmin())], "positive": round(float(positive.min()), 4)},
        "highest": {"text": texts[int(positive.argmax())], "positive": round(float(positive.max()), 4)},
    }


def _time(systems: Sequence[System], asked: Sequence[tuple[Suite, dict[str, Answers]]]) -> dict[str, float]:
    """Seconds for 1,000 texts of the first three-way suite, tweets in a whole report."""
    texts = next((suite.texts for suite, _ in asked if suite.ways == 3), ())[:TIMED_TEXTS]
    seconds: dict[str, float] = {}
    for system in systems if texts else ():
        started = time.perf_counter()
        system.answer(texts, f"{system.name}: timing")
        seconds[system.name] = round((time.perf_counter() - started) * TIMED_TEXTS / len(texts), 3)
    return seconds

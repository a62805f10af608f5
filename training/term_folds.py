"""How terms are read that no training has seen, although the released model is taught all of them.

The terms of our test split fall into folds. For each fold the last phase is run once more without every sentence of
ours that holds one of its terms, and reads the sentences of that fold.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.checkpointing import explained, read_record
from training.data import CHAT, EXPRESSIONS, read_expressions
from training.evaluation.suites import Suite, load_suites
from training.mixture import test_terms
from training.recipe import Recipe
from training.train import read_network, run_phase

FOLDS = 5
SUITE = "slang_unseen"
REPORT = "folds.json"


def fold_of(term: str) -> int:
    """The fold of a term of our test split, from 0. Terms that stand in one pair are in one fold."""
    return int.from_bytes(hashlib.sha256(_tied()[term].casefold().encode()).digest()[:4]) % FOLDS


@cache
def _tied() -> dict[str, str]:
    """For each term of our test split the first of those that pairs tie it to, in alphabetical order."""
    pairs: dict[str, set[str]] = {}
    for row in read_expressions():
        if row["split"] == "test" and row["term"]:
            pairs.setdefault(row["pair"] or row["sentence"], set()).add(row["term"])
    tied = {term: term for term in test_terms()}
    for _ in tied:
        for terms in pairs.values():
            first = min(tied[term] for term in terms)
            tied.update(dict.fromkeys(terms, first))
    return tied


def fold_terms(fold: int) -> frozenset[str]:
    """The terms of our test split that are in a fold."""
    return frozenset(term for term in test_terms() if fold_of(term) == fold)


def fold_suite(fold: int) -> Suite:
    """The pairs of `SUITE` that are about a fold's terms."""
    (whole,) = load_suites((SUITE,), None)
    terms = {row["sentence"]: row["term"] for row in read_expressions()}
    assert whole.pair is not None, "it is a suite of pairs"
    chosen = fold_terms(fold)
    pairs = {int(pair) for text, pair in zip(whole.texts, whole.pair, strict=True) if terms[text] in chosen}
    keep = [place for place, pair in enumerate(whole.pair) if int(pair) in pairs]
    texts = tuple(whole.texts[place] for place in keep)
    return replace(whole, texts=texts, truth=whole.truth[keep], pair=whole.pair[keep])


def run_folds(
    recipe: Recipe, base: str, data: Path | None, output: Path, report_folder: Path, *, max_rows: int = 0
) -> dict[str, Any]:
    """Trains once for each fold in `output`, and writes `REPORT`: the share of sentences and of pairs that are right.

    A fold that is done already, with the same recipe, base, sentences and number of rows, is not trained again. Raises
    TrainingError as `run_phase` does.
    """
    right: list[NDArray[np.bool_]] = []
    pairs: list[bool] = []
    for fold in range(FOLDS):
        folder = output / f"fold-{fold}"
        stamp, mark = folder / "fold.txt", _mark(recipe, base, fold_terms(fold), max_rows)
        if not (stamp.is_file() and stamp.read_text("utf-8") == mark):
            run_phase(recipe, base, data, folder, max_rows=max_rows, without=fold_terms(fold))
            stamp.write_text(mark, "utf-8")
        suite = fold_suite(fold)
        logits = read_network(folder, recipe, suite.texts)
        found = logits.argmax(-1) == suite.truth
        right.append(found)
        assert suite.pair is not None, "it is a suite of pairs"
        pairs += [bool(found[suite.pair == pair].all()) for pair in np.unique(suite.pair)]
    every = np.concatenate(right)
    report = {
        "folds": FOLDS,
        "sentences": len(every),
        "right": float(every.mean()),
        "pairs": len(pairs),
        "pairs_right": float(np.mean(pairs)),
        "by_fold": [float(found.mean()) for found in right],
    }
    with explained(report_folder):
        report_folder.mkdir(parents=True, exist_ok=True)
        (report_folder / REPORT).write_text(json.dumps(report, indent=2) + "\n", "utf-8")
    return report


def _mark(recipe: Recipe, base: str, terms: frozenset[str], max_rows: int) -> str:
    """Of all that a fold's training hangs on but the public sets."""
    digest = hashlib.sha256(repr((recipe.resolved(), sorted(terms), max_rows)).encode())
    digest.update(
        json.dumps(read_record(Path(base)), sort_keys=True).encode() if Path(base).is_dir() else base.encode()
    )
    for file in (EXPRESSIONS, CHAT):
        digest.update(file.read_bytes())
    return digest.hexdigest()

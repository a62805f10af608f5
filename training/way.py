"""The one way from nothing to a model: what `vibecheck train all` runs, and what README, guide and notebook show."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from model.checkpoints.checkpoint import MANIFEST
from training.checkpointing import RECORD, read_json
from training.data import CHAT, EXPRESSIONS
from training.datasets_catalog import CHAT_SETS, CORPORA
from training.mixture import UNLABELLED
from training.recipe import read_recipe, recipe_path

ORDER_SEEDS = (1, 2)
"""The last phase is run once for each, and the checkpoints are averaged."""


@dataclass(frozen=True, slots=True)
class Step:
    """One command of `training`: its arguments, what it is for, and what is there once it is done."""

    arguments: tuple[str, ...]
    purpose: str
    result: Path | None = None


class Progress:
    """Which steps are done, by what they were given and by what all steps before them were given.

    So a step is done again when its recipe, its base or the number of its rows is another, or when a step before it
    was. `file` keeps it.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._done: dict[str, str] = {}
        if file.is_file():
            self._done = read_json(file)
        self._before = ""

    def is_done(self, step: Step, given: Sequence[str]) -> bool:
        """Whether this step's result is there and came of this. To be asked of every step, in order."""
        self._before = self._mark(given)
        there = step.result is not None and step.result.exists()
        return there and self._done.get(str(step.result)) == self._before

    def done(self, step: Step) -> None:
        """The step that was asked of last is done."""
        if step.result is None:
            return
        self._done[str(step.result)] = self._before
        self._file.parent.mkdir(parents=True, exist_ok=True)
        beside = self._file.with_suffix(".new")
        beside.write_text(json.dumps(self._done, indent=1) + "\n", "utf-8")
        beside.replace(self._file)

    def _mark(self, given: Sequence[str]) -> str:
        digest = hashlib.sha256(repr((self._before, list(given))).encode())
        if "--recipe" in given:
            digest.update(recipe_path(given[given.index("--recipe") + 1]).read_bytes())
        for file in (EXPRESSIONS, CHAT):
            digest.update(file.read_bytes())
        return digest.hexdigest()[:16]


def missing_sets(data: Path, *, teacher: bool) -> list[str]:
    """Files of sets that the way's recipes name and that are not in a folder."""
    recipes = {
        step.arguments[step.arguments.index("--recipe") + 1]
        for step in way(has_data=True, teacher=teacher)
        if "--recipe" in step.arguments
    }
    sources = [source.name for name in sorted({*recipes, "slang"}) for source in read_recipe(recipe_path(name)).sources]
    names = {name for source in sources if (name := source.partition(":")[0]) in CORPORA}
    names |= {"imdb_unsupervised", *CHAT_SETS}
    files = [CORPORA[name].file(data, "train") for name in sorted(names) if CORPORA[name].folder]
    return [str(file) for file in files if not file.is_file()]


def way(*, has_data: bool, teacher: bool = True, base: str = "minilm", output: str = "my-model") -> Iterator[Step]:
    """All steps in order. With `has_data` every set comes from a folder; else the hub's two sets and ours must do.

    Without a `teacher` the last phase learns from labels alone, as it does where there are only the hub's sets.

    Where the sets are is not said: `--data DIR` goes with each step.
    """
    second = "slang" if has_data else "slang-hub"
    last = "chat" if has_data else "chat-hub"
    yield _phase(
        ("imdb", "--recipe", "imdb-compact", "--base", base), "runs/imdb", "phase 1: film reviews, two classes"
    )
    taught = "runs/taught.parquet"
    yield Step(("teach", "--rows", "12000"), "unlabelled reviews, labelled by phase 1 and a bag of words", Path(taught))
    yield _phase(("slang", "--recipe", second), "runs/slang", "phase 2: three classes, all reviews among it")
    if has_data and teacher:
        larger = ("slang", "--recipe", "teacher", "--base", "mpnet", "--output", "runs/teacher")
        yield _phase(larger, "runs/teacher", "a teacher, five times as large")
        soft = Path("runs/soft")
        yield Step(("soft-labels",), "what it says of phase 3's rows and of unlabelled chat", soft / UNLABELLED)
    for seed in ORDER_SEEDS:
        arguments = ("slang", "--recipe", last, "--base", "runs/slang", "--order-seed", str(seed))
        alone = ("--without-teacher",) if has_data and not teacher else ()
        yield _phase(
            (*arguments, *alone, "--output", f"runs/chat-{seed}"), f"runs/chat-{seed}", "phase 3: our own chat"
        )
    mean = f"runs/chat-{ORDER_SEEDS[0]}"
    for number, seed in enumerate(ORDER_SEEDS[1:], start=2):
        target = "runs/chat" if seed == ORDER_SEEDS[-1] else f"runs/chat-mean-{number}"
        share = f"{1 / number:.4f}"
        blended = ("blend", mean, f"runs/chat-{seed}", "--share", share, "--output", target)
        yield _phase(blended, target, "the mean of the runs so far")
        mean = target
    if has_data:
        soft = Path("runs/settle-soft")
        given = ("--checkpoint", mean, "--recipe", "settle", "--rows", "15000", "--output", str(soft))
        yield Step(("soft-labels", *given), "what the mean says, so that it goes on saying it", soft / UNLABELLED)
        settled = ("slang", "--recipe", "settle", "--base", mean, "--output", "runs/settled")
        yield _phase(settled, "runs/settled", "the weights as int8 will have them")
        mean = "runs/settled"
    yield Step(("calibrate", mean), "how sure it is, by register")
    yield Step(("export", "--checkpoint", mean, "--output", output), "int8, behind the gate", Path(output) / MANIFEST)
    yield Step(("evaluate", "--model", f"mine={output}"), "how good it is, beside VADER and TextBlob")


def _phase(arguments: tuple[str, ...], folder: str, purpose: str) -> Step:
    return Step(arguments, purpose, Path(folder) / RECORD)

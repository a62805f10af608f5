"""Whether an answer stays when a message is typed a little differently, which should change nothing.

Behavioural tests of invariance (Ribeiro et al. 2020, "Beyond Accuracy: Behavioral Testing of NLP Models with
CheckList", ACL), without any truth: each text's answer is compared with that of its edited twin.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from training.evaluation.metrics import share
from training.evaluation.systems import Answers
from training.labels import NEGATIVE, POSITIVE

Edit = Callable[[str], str]

LAUGHTER = "lol after it"
AS_TYPED = "as typed"
STEADY = "all but laughter"
TURNED = "negative made positive"

EDITS: Mapping[str, Edit] = {
    "final full stop": lambda text: _ended(text, "."),
    "final exclamation mark": lambda text: _ended(text, "!"),
    "@user before it": lambda text: f"@user {text}",
    "small letters": str.lower,
    "capital first": lambda text: text[:1].upper() + text[1:],
    "all capitals": str.upper,
    LAUGHTER: lambda text: f"{text} lol",
}


def edited_texts(texts: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The texts as they are, and under each edit's name the edited ones, in their order."""
    return {AS_TYPED: tuple(texts), **{name: tuple(map(edit, texts)) for name, edit in EDITS.items()}}


def changed_verdicts(texts: Mapping[str, Sequence[str]], answers: Mapping[str, Answers]) -> dict[str, Any]:
    """For each edit the share of the texts it alters whose label changes, with a 95 % interval.

    `STEADY` is of all pairs of the other edits together, `TURNED` the share of the texts called negative that laughter
    makes positive. `texts` is what `edited_texts` gave, `answers` what a system said.
    """
    before = answers[AS_TYPED].found
    found: dict[str, Any] = {}
    together: list[np.ndarray] = []
    for name in EDITS:
        altered = np.array([old != new for old, new in zip(texts[AS_TYPED], texts[name], strict=True)], dtype=bool)
        changed = (answers[name].found != before)[altered]
        found[name] = share(changed).plain()
        if name != LAUGHTER:
            together.append(changed)
    found[STEADY] = share(np.concatenate(together)).plain()
    was_negative = before == NEGATIVE
    if was_negative.any():
        found[TURNED] = share(answers[LAUGHTER].found[was_negative] == POSITIVE).plain()
    return found


def _ended(text: str, mark: str) -> str:
    """With that mark at the end in place of others; a question stays one, for its mark may make the difference."""
    bare = text.rstrip(" .!")
    return text if not bare or bare.endswith("?") else bare + mark

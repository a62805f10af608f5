"""Verdicts on short texts that are said all the time ("gg", "lol"), so that they are computed once."""

from __future__ import annotations

import hashlib
import os
from array import array
from collections import OrderedDict
from collections.abc import Sequence

from model.backends.engine import Engine
from model.verdict import Verdict

MAX_TOKENS = 64
"""Longer texts are hardly ever repeated."""


class VerdictCache:
    """The latest verdicts, by a keyed hash of the cleaned text's tokens, the model's version and the language.

    It holds no words, not even in memory: the hash's key is random and dies with the process. Used by one thread.
    """

    def __init__(self, size: int) -> None:
        """Keeps at most `size` verdicts; 0 keeps none."""
        self._size = size
        self._secret = os.urandom(32)
        self._verdicts: OrderedDict[bytes, Verdict] = OrderedDict()

    def __len__(self) -> int:
        return len(self._verdicts)

    def key(self, engine: Engine, rows: Sequence[Sequence[int]], language: str = "") -> bytes | None:
        """What a text in that language, given as its windows of token ids, is found under; None: it is not kept."""
        if not self._size or len(rows) != 1 or len(rows[0]) > MAX_TOKENS:
            return None
        model = f"{engine.checkpoint.version} {engine.checkpoint.abstain_below} {engine.named(language)}"
        digest = hashlib.blake2b(model.encode(), key=self._secret, digest_size=16)
        digest.update(array("I", rows[0]).tobytes())
        return digest.digest()

    def get(self, key: bytes | None) -> Verdict | None:
        """The verdict under that key, if it is still there."""
        verdict = None if key is None else self._verdicts.pop(key, None)
        if key is not None and verdict is not None:
            self._verdicts[key] = verdict  # last again
        return verdict

    def put(self, key: bytes | None, verdict: Verdict) -> None:
        """Keeps a verdict, at the cost of the one that has not been asked for the longest."""
        if key is None:
            return
        self._verdicts[key] = verdict
        if len(self._verdicts) > self._size:
            self._verdicts.popitem(last=False)

"""A model that is new here is first loaded and asked in a process of its own, which may come to harm.

Its files are what they are said to be, but nobody knows what they do: a graph may never end or want all memory there
is, and a library that reads a broken file may end the process it is in. So a child tries it, with bounds for its
memory, processor and time, and without the secrets of the process. What comes back is the fingerprint of what was
tried; only the very same is then loaded beside the bot.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from model.checkpoints.checkpoint import OURS, TOKENIZER, Checkpoint
from model.checkpoints.files import json_object
from model.checkpoints.graph import check_graph
from model.checkpoints.vocabulary import check_tokenizer
from model.child_process import TookTooLong, bound, environment, how_it_ended, run_bounded
from model.errors import CheckpointError, HashMismatch

TRIAL_SECONDS = 300.0
"""What a trial may take; PyTorch takes ten to be imported."""

_LEAST_MEMORY = 4 << 30
_TIMES_WEIGHTS = 8
"""Bytes: what libraries need, and what is made of the weights while they are loaded."""

_LONGEST_SENTENCE = 400

_OURS = Path(__file__).parents[2]
_RUN = "import sys; sys.path.insert(0, sys.argv[1]); from model.checkpoints.trial import main; main()"
"""The program that runs here, and no other, wherever it is installed and whatever lies in the working directory."""


class Trials:
    """Remembers what was tried in this process. Safe between threads."""

    def __init__(self, seconds: float = TRIAL_SECONDS, *, on_gpu: bool = False, backend: str = "auto") -> None:
        """`on_gpu` tries also what reads the weights for a GPU, without one. `backend` is what will run the model."""
        self._seconds = seconds
        self._backend = backend
        self._on_gpu = on_gpu
        self._passed: set[str] = set()
        self._one_at_a_time = threading.Lock()

    def check(self, checkpoint: Checkpoint) -> None:
        """Blocks until a child has loaded the model and asked its golden examples.

        What comes with the program, and what has passed before, are taken as they are, and wait for no other trial: a
        model that hung has to come back while a new one is tried. Raises a CheckpointError, with the sentence of the
        child or with why there is none.
        """
        if checkpoint.source in OURS:
            return
        fingerprint = checkpoint.fingerprint()
        if fingerprint in self._passed:
            return
        with self._one_at_a_time:
            if fingerprint not in self._passed:
                self._try(checkpoint, fingerprint)
                self._passed.add(fingerprint)

    def _try(self, checkpoint: Checkpoint, fingerprint: str) -> None:
        source = checkpoint.source
        memory = _LEAST_MEMORY + _TIMES_WEIGHTS * len(checkpoint.bytes_of(checkpoint.weights.name))
        # A folder by its path: what was fetched from a hub is on the disk by now, and no child needs the network.
        asked = {
            "folder": str(checkpoint.folder.absolute()),
            "memory": memory,
            "seconds": self._seconds,
            "on_gpu": self._on_gpu,
            "backend": self._backend,
        }
        try:
            ended = run_bounded(
                [sys.executable, "-P", "-c", _RUN, str(_OURS)],
                json.dumps(asked).encode(),
                seconds=self._seconds,
                environment=_environment(),
            )
        except TookTooLong:
            raise CheckpointError(
                f"{source} wasn't ready within {self._seconds:.0f} s when I tried it, so I haven't loaded it."
            ) from None
        except OSError as error:
            raise CheckpointError(f"I can't try {source}: no process can be started ({error}).") from None
        found = _answer(ended.output) if ended.code == 0 else None
        if found is None:
            raise CheckpointError(
                f"{source} ended the process in which I tried it ({how_it_ended(ended.code)}): it wants more memory "
                "or time than a model may have, or its files are broken. I haven't loaded it."
            )
        if refusal := found.get("refused"):
            raise CheckpointError(f"I tried {source} and haven't loaded it: {str(refusal)[:_LONGEST_SENTENCE]}")
        if found.get("fingerprint") != fingerprint:
            raise HashMismatch(f"{source} changed while I tried it. Try again when all of it is there.")


def _environment() -> dict[str, str]:
    kept = environment("HF_HOME", "HF_HUB_CACHE", "XDG_CACHE_HOME")
    return {**kept, "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}


def _answer(output: bytes) -> dict[str, Any] | None:
    with suppress(ValueError, RecursionError):
        found = json.loads(output)
        if isinstance(found, dict):
            return found
    return None


def _tried(folder: str, *, on_gpu: bool, backend: str) -> str:
    """The fingerprint of a model that does what it should. Raises a ModelError."""
    from model.acceptance import check_golden, check_sizes
    from model.backends.engine import load_engine

    found: list[Checkpoint] = []

    def look(checkpoint: Checkpoint) -> None:
        found.append(checkpoint)
        vocabulary = json_object(checkpoint.folder / "config.json", checkpoint.bytes_of("config.json")).get(
            "vocab_size"
        )
        check_tokenizer(checkpoint.bytes_of(TOKENIZER), vocabulary)
        if checkpoint.is_onnx:
            check_graph(checkpoint.bytes_of(checkpoint.weights.name))

    engine = load_engine(folder, "cpu", 1, look, backend)
    check_golden(engine)
    check_sizes(engine)
    if on_gpu and backend != "torch" and found[0].is_onnx:
        from model.backends.torch_gpu import TorchBackend

        check_sizes(replace(engine, backend=TorchBackend(found[0], "cpu")))
    return found[0].fingerprint()


def main() -> None:
    """The child: reads what is asked from stdin, and ends with one line of JSON."""
    answers = os.dup(1)  # what a library prints is no answer
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    asked = json.load(sys.stdin)
    bound(asked["memory"], asked["seconds"])
    from model.errors import ModelError

    said: dict[str, Any]
    try:
        said = {"fingerprint": _tried(asked["folder"], on_gpu=asked["on_gpu"], backend=asked["backend"])}
    except ModelError as error:
        said = {"refused": str(error)}
    except MemoryError:
        said = {"refused": "it wants more memory than a model may have."}
    os.write(answers, json.dumps(said).encode())
    os._exit(0)  # whatever its libraries would do at the end

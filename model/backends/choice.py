"""Which backend answers: the fastest one here whose verdicts agree, found by trying it and remembered."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from model.backends.attempt import Attempt
from model.backends.base import granted_cpus
from model.backends.engine import Engine, check_backend, engine_of, is_installed, may_use_gpu, put_together
from model.backends.processor import matrix_units, processor_name
from model.checkpoints.checkpoint import OURS, Checkpoint, open_checkpoint
from model.child_process import TookTooLong, environment, how_it_ended, run_bounded
from model.errors import CheckpointError
from model.installation import DISTRIBUTION
from model.scheduling.batch_size import BUDGETS, calibrated

MEASURING_SECONDS = 120.0
"""What trying may take; it takes three."""

_MEMORY = 6 << 30
_USUAL = "onnxruntime"
_TRIED = ("openvino",)
"""What is tried beside it. PyTorch on a CPU is not: in bfloat16 a text's logits move with what is computed beside it,
and in fp32 it is slower."""

_REMEMBERED = 8
"""Choices that are kept: of a few models, and of the versions before."""

_OURS = Path(__file__).parents[2]
_RUN = "import sys; sys.path.insert(0, sys.argv[1]); from model.backends.measuring import main; main()"

_log = logging.getLogger(__name__)


class BackendChoice:
    """Makes engines of checkpoints, each on the backend that suits it here. Safe between threads."""

    def __init__(
        self,
        device: str = "auto",
        threads: int = 0,
        backend: str = "auto",
        *,
        budget: int = 0,
        remembered: Path | None = None,
        seconds: float = MEASURING_SECONDS,
    ) -> None:
        """`remembered` is the file that choices are kept in; without one nothing is tried.

        `budget` is how many padded tokens a batch may hold, 0: what suits this machine. The rest is as for
        `load_engine`.
        """
        self._device = device
        self._threads = threads
        self._backend = backend
        self._budget = budget
        self._remembered = remembered
        self._seconds = seconds

    def load(self, source: str, before: Callable[[Checkpoint], None] | None = None) -> Engine:
        """Opens, loads and warms a model, or two, each on the backend that suits it, as `load_engine` does.

        Raises a CheckpointError.
        """
        check_backend(self._device, self._backend)
        return put_together(source, lambda one: self._load_one(one, before))

    def _load_one(self, source: str, before: Callable[[Checkpoint], None] | None) -> Engine:
        checkpoint = open_checkpoint(source)
        if before is not None:
            before(checkpoint)
        engine = self._chosen(checkpoint) if self._has_choice(checkpoint) else None
        if engine is None:
            engine = engine_of(checkpoint, self._device, self._threads, self._backend)
        if self._budget:
            return replace(engine, budget=self._budget)
        return engine if engine.attempts else calibrated(engine)

    def _has_choice(self, checkpoint: Checkpoint) -> bool:
        return (
            self._backend == "auto"
            and self._remembered is not None
            and checkpoint.is_onnx
            and not may_use_gpu(self._device)
            and any(map(is_installed, _TRIED))
        )

    def _chosen(self, checkpoint: Checkpoint) -> Engine | None:
        """The engine on the fastest backend that may answer; None where trying has shown nothing."""
        place = self._place(checkpoint)
        attempts, new = self._recalled(place), False
        if attempts is None:
            attempts, new = self._tried(checkpoint), True
        if not attempts:
            return None
        best = max((one for one in attempts if not one.refused), key=lambda one: one.per_second)
        try:
            engine = engine_of(checkpoint, "cpu", self._threads, best.backend)
        except CheckpointError as error:
            _log.warning("%s was chosen and cannot be loaded: %s", best.backend, error)
            return None
        if new:
            self._keep(place, attempts)
        _log.info("%s answers%s: %s", best.backend, "" if new else ", as found before", "; ".join(map(str, attempts)))
        return replace(engine, budget=best.budget, attempts=tuple(attempts))

    def _tried(self, checkpoint: Checkpoint) -> list[Attempt]:
        """What a child found out; nothing where it came to no end, which is logged."""
        others = [name for name in _TRIED if is_installed(name)]
        asked: dict[str, Any] = {
            # By its path: what was fetched from a hub is on the disk by now, and no child needs the network.
            "source": checkpoint.source if checkpoint.source in OURS else str(checkpoint.folder.absolute()),
            "backends": others,
            "threads": self._threads,
            "memory": _MEMORY,
            "seconds": self._seconds,
        }
        _log.info("trying %s beside %s for some seconds, once on this processor", ", ".join(others), _USUAL)
        try:
            ended = run_bounded(
                [sys.executable, "-P", "-c", _RUN, str(_OURS)],
                json.dumps(asked).encode(),
                seconds=self._seconds,
                environment={**environment(), "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""},
            )
            attempts = _attempts(json.loads(ended.output)) if ended.code == 0 else []
            reason = how_it_ended(ended.code)
        except TookTooLong:
            attempts, reason = [], f"it took more than {self._seconds:.0f} s"
        except (OSError, ValueError, TypeError, KeyError) as error:
            attempts, reason = [], type(error).__name__
        if not attempts:
            _log.warning("backends could not be tried (%s): %s answers; BACKEND= names one.", reason, _USUAL)
        return attempts

    def _place(self, checkpoint: Checkpoint) -> dict[str, Any]:
        """What a choice holds for: another processor, version or model is tried anew."""
        return {
            "processor": processor_name(),
            "units": list(matrix_units()),
            "threads": self._threads or granted_cpus(),
            "versions": {name: _version(name) for name in (DISTRIBUTION, _USUAL, *_TRIED)},
            "model": checkpoint.version if checkpoint.source in OURS else checkpoint.fingerprint(),
        }

    def _recalled(self, place: Mapping[str, Any]) -> list[Attempt] | None:
        for kept in self._read():
            with suppress(ValueError, TypeError, KeyError):
                if kept["for"] == place:
                    return _attempts(kept["tried"])
        return None

    def _read(self) -> list[Any]:
        assert self._remembered is not None
        try:
            found = json.loads(self._remembered.read_bytes())
        except (OSError, ValueError, RecursionError):
            return []
        return found if isinstance(found, list) else []

    def _keep(self, place: Mapping[str, Any], attempts: Sequence[Attempt]) -> None:
        assert self._remembered is not None
        others = [kept for kept in self._read() if not isinstance(kept, dict) or kept.get("for") != place]
        choices = [{"for": place, "tried": [asdict(attempt) for attempt in attempts]}, *others][:_REMEMBERED]
        beside = self._remembered.with_name(f"{self._remembered.name}.{os.getpid()}")
        try:
            self._remembered.parent.mkdir(parents=True, exist_ok=True)
            beside.write_text(json.dumps(choices, indent=1) + "\n", "utf-8")
            beside.replace(self._remembered)
        except OSError as error:
            _log.warning("which backend was chosen cannot be kept (%s); it is tried again at the next start", error)
            with suppress(OSError):
                beside.unlink()


def _attempts(found: Any) -> list[Attempt]:
    """What a child or the file says. Raises ValueError, TypeError or KeyError for anything else."""
    attempts = [Attempt(**one) for one in found]
    for one in attempts:
        numbers = (one.per_second, one.same, one.error)
        if one.backend not in (_USUAL, *_TRIED) or not isinstance(one.refused, str):
            raise ValueError("another backend than those that are tried")
        if not all(isinstance(number, (int, float)) and number >= 0 for number in numbers):
            raise ValueError("no figures")
        if not one.refused and one.budget not in BUDGETS:
            raise ValueError("no size of a batch")
    if all(one.refused for one in attempts):
        raise ValueError("nothing that may answer")
    return attempts


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""

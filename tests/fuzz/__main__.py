"""`python -m tests.fuzz page` or `artefacts`: seeded nonsense, as much as wanted; the suite sends a little of it."""

import importlib
import sys

SUBJECTS = ("artefacts", "page")

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in SUBJECTS:
        sys.exit(f"usage: python -m tests.fuzz {{{','.join(SUBJECTS)}}} ...")
    sys.exit(importlib.import_module(f"tests.fuzz.{sys.argv[1]}").main(sys.argv[2:]))

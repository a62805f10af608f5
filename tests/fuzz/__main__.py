"""`python -m tests.fuzz SUBJECT ...`: each subject is a module beside this one with a `main` of its own."""

import importlib
import sys
from pathlib import Path

SUBJECTS = sorted(
    path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith(("_", "test_", "conftest"))
)

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in SUBJECTS:
        sys.exit(f"usage: python -m tests.fuzz {{{','.join(SUBJECTS)}}} ...")
    sys.exit(importlib.import_module(f"tests.fuzz.{sys.argv[1]}").main(sys.argv[2:]))

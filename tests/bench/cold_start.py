"""Start time and memory of the bot's process, without torch: `python tests/bench/cold_start.py`.

Makes a fresh virtual environment with the core install only, starts a process that does what `python -m bot run` does
before it connects (import the bot, read the settings, load the bundled model, open a new database), and prints seconds
from the process's start to a ready classifier and store, and its peak resident memory.
"""

from __future__ import annotations

import statistics
import subprocess
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parents[2]
RUNS = 5

PROBE = """
import asyncio, importlib.util, resource, tempfile
from bot.app import runtime
from bot.app.running import Running
from bot.settings import Settings
async def main():
    with tempfile.TemporaryDirectory() as folder:
        running = Running()
        await runtime.open_parts(Settings(_env_file=None, data_dir=folder), running)
        seconds = runtime.seconds_since_start()
        verdict = await running.classifier.classify("this slaps fr")
        await running.classifier.close()
        await running.store.aclose()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    assert importlib.util.find_spec("torch") is None, "torch is installed here"
    print(seconds, peak)
asyncio.run(main())
"""


def main() -> None:
    """Prints the median and worst of several runs; the first, with cold file caches, is left out."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder) / "bin" / "python"
        install = [str(python), "-m", "pip", "install", "-q", "-c", str(ROOT / "constraints.txt"), "-e", str(ROOT)]
        subprocess.run(install, check=True)
        runs = []
        for _ in range(RUNS + 1):
            done = subprocess.run([str(python), "-c", PROBE], check=True, capture_output=True, text=True, cwd=ROOT)
            runs.append(tuple(float(word) for word in done.stdout.split()))
        seconds, memory = zip(*runs[1:], strict=True)
        print(f"start to ready   median {statistics.median(seconds):.2f} s   worst {max(seconds):.2f} s")
        print(f"peak memory      median {statistics.median(memory):.0f} MB   worst {max(memory):.0f} MB")


if __name__ == "__main__":
    main()

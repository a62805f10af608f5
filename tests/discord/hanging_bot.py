"""The bot as `bot.demo.bot_process` runs it, which hangs when told.

SIGUSR1 holds its event loop for half a minute, SIGUSR2 has its model stand still until the next one.
"""

import signal
import sys
import threading
import time

from bot.app.runtime import end_process
from bot.demo.bot_process import main
from model.backends import onnx_cpu

HELD_SECONDS = 30.0


def hang_when_told() -> None:
    """Sets up the two signals."""
    hangs = threading.Event()
    compute = onnx_cpu._run

    def hanging(*arguments):
        while hangs.is_set():
            time.sleep(0.05)
        return compute(*arguments)

    onnx_cpu._run = hanging
    signal.signal(signal.SIGUSR1, lambda *_: time.sleep(HELD_SECONDS))
    signal.signal(signal.SIGUSR2, lambda *_: hangs.clear() if hangs.is_set() else hangs.set())


if __name__ == "__main__":
    hang_when_told()
    end_process(main(sys.argv[1:]))

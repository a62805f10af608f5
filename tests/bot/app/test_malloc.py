"""Memory that was freed goes back to the system."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from bot.app.malloc import return_freed

ROOT = Path(__file__).parents[3]

PROBE = """
import ctypes
from pathlib import Path
from bot.app.malloc import map_large_blocks

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]

def resident():
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * 4096 / 1e6

def block(megabytes):
    place = libc.malloc(megabytes << 20)
    ctypes.memset(place, 1, megabytes << 20)
    return place

map_large_blocks()
libc.free(block(30))  # as a first model's weights
before = resident()
weights, beside = block(20), libc.malloc(100_000)
libc.free(weights)
print(resident() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc alone is told so")
def test_a_large_block_that_is_freed_goes_back_although_others_lie_behind_it():
    ran = subprocess.run([sys.executable, "-c", PROBE], cwd=ROOT, check=True, capture_output=True, text=True)
    assert float(ran.stdout) < 5


def test_a_system_that_cannot_give_memory_back_is_left_alone(monkeypatch):
    asked = []

    def library(name):
        asked.append(name)
        raise OSError("no such library")

    return_freed()
    monkeypatch.setattr("ctypes.CDLL", library)
    return_freed()
    assert asked == [None]

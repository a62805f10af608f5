"""The README's first screen: the ten lines are what the bundled model says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from model.__main__ import main

README = Path(__file__).parents[2] / "README.md"
_BLOCK = re.compile(r"```\n\$ cat chat\.txt \| vibecheck score\n(.*?)```", re.DOTALL)
_LINE = re.compile(r"(\w+) +([\d.]+)% +([+-][\d.]+)  (.+)")


def _parsed(output: str) -> list[tuple[str, float, float, str]]:
    return [
        (found[1], float(found[2]), float(found[3]), found[4])
        for line in output.splitlines()
        if (found := _LINE.fullmatch(line))
    ]


def test_the_first_screen_is_what_the_bundled_model_says() -> None:
    """Processors round int8 in their own ways: numbers may differ a little, and words that are a toss-up."""
    (block,) = _BLOCK.findall(README.read_text("utf-8"))
    told = _parsed(block)
    assert len(told) == 10
    now = _parsed(CliRunner().invoke(main, ["--", *(text for *_, text in told)]).output)
    for (word, sure, score, text), (word_now, sure_now, score_now, same) in zip(told, now, strict=True):
        assert text == same
        assert word == word_now or sure < 52, text
        assert sure_now == pytest.approx(sure, abs=5.0), text
        assert score_now == pytest.approx(score, abs=0.1), text

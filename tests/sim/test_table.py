"""docs/scale.md shows what was kept, and what was kept was reckoned with the constants of today."""

import json
from dataclasses import asdict

import pytest

from tests.sim.constants import load
from tests.sim.discrete import STEEPEST
from tests.sim.table import DISCRETE, KEPT, PAGE, filled, of_page


def test_the_page_shows_what_was_kept():
    page = PAGE.read_text("utf-8")
    found = of_page()
    assert all(f"<!-- sim: {name} -->" in page for name in found)
    assert filled(page, found) == page


def test_the_simulated_day_was_reckoned_with_the_constants_of_today():
    kept = json.loads(DISCRETE.read_text("utf-8"))
    assert kept["constants"] == [asdict(constant) for constant in load().all.values()]
    assert [outcome["servers"] for outcome in kept["outcomes"]] == [1000, 10_000, 100_000]
    assert all(exponent <= STEEPEST for exponent in kept["exponents"].values())


@pytest.mark.parametrize("path", sorted(KEPT.glob("*.json")), ids=lambda path: path.stem)
def test_nothing_that_is_kept_names_a_place_of_a_machine(path):
    text = path.read_text("utf-8")
    assert "/home/" not in text and "/tmp/" not in text

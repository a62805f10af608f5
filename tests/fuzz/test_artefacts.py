import os

import pytest

from tests.fuzz.artefacts import ALLOWED_GROWTH, run

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Windows has no such links and files")


def test_an_artefact_with_faults_is_taken_or_refused_with_a_sentence():
    """Forty of them; `python -m tests.fuzz artefacts --mutations 2000` tries more."""
    outcome = run(40, seed=14)
    assert outcome.broken == []
    assert sum(outcome.counts.values()) == 40
    assert outcome.counts.total() > outcome.counts["taken"]
    assert outcome.grown <= ALLOWED_GROWTH

"""A candidate reads along beside the live model, and may be promoted."""

import asyncio

import numpy as np
import pytest

from model.errors import ReloadRefused
from model.scheduling.request import Priority
from tests.model.numbered import PATIENCE, positive_of
from tests.model.spoiling import (
    other_golden,
    weights,
    without_golden,
)


async def test_a_shadow_reads_passive_texts_and_answers_nobody(start):
    async with await start() as classifier:
        info = await classifier.start_shadow("v3", 0.5)
        passive = [await classifier.classify(f"text {number}", Priority.PASSIVE) for number in range(40)]
        asked = await classifier.classify("hello")
        report = await classifier.stop_shadow()
    assert {verdict.model for verdict in [*passive, asked]} == {"v0"}
    assert (info.version, report.version, report.share) == ("v3", "v3", 0.5)
    assert report.texts + report.skipped == 20
    # The live model says 1/3 positive, the candidate, so sure of itself, 0.91: they agree on nothing but the order.
    assert report.change == pytest.approx(positive_of(3) - (1 - positive_of(3)) / 2, abs=1e-3)
    assert report.seconds > 0 < report.live_seconds


async def test_a_shadow_is_promoted_and_the_live_model_stays_for_a_rollback(start):
    async with await start() as classifier:
        await classifier.start_shadow("v3")
        assert classifier.shadow_report().texts == 0
        change = await classifier.promote_shadow()
        assert (change.before.version, change.now.version) == ("v0", "v3")
        assert (await classifier.classify("hello")).model == "v3"
        assert (await classifier.rollback()).now.version == "v0"
        with pytest.raises(ReloadRefused, match="No candidate"):
            classifier.shadow_report()


async def test_a_candidate_that_is_refused_stays_in_the_shadow(real, artefact):
    without_golden(weights(np.zeros_like))(artefact)
    await real.start_shadow(str(artefact))
    before = real.info
    with pytest.raises(ReloadRefused, match="plain texts right"):
        await real.promote_shadow()
    assert real.info == before
    assert real.shadow_report().source == str(artefact)


async def test_there_is_one_shadow_at_a_time(start):
    async with await start() as classifier:
        for call in (classifier.stop_shadow, classifier.promote_shadow):
            with pytest.raises(ReloadRefused, match="No candidate"):
                await call()
        await classifier.start_shadow("v3")
        with pytest.raises(ReloadRefused, match="already running"):
            await classifier.start_shadow("v4")


@pytest.mark.parametrize("share", [0, -1, 1.01, float("nan")])
async def test_a_share_that_makes_no_sense_is_refused(start, share):
    async with await start() as classifier:
        with pytest.raises(ReloadRefused, match="share"):
            await classifier.start_shadow("v3", share)


async def test_a_shadow_that_fails_is_counted_and_the_live_model_answers(start, make, monkeypatch):
    async with await start() as classifier:
        await classifier.start_shadow("v3")
        monkeypatch.setattr(make.backends[-1], "predict", lambda batch: 1 / 0)
        assert (await classifier.classify("hello", Priority.PASSIVE)).model == "v0"
        report = await classifier.stop_shadow()
    assert (report.texts, report.skipped) == (0, 1)


async def test_a_bad_artefact_does_not_become_a_shadow(real, artefact):
    other_golden(artefact)
    with pytest.raises(ReloadRefused, match="golden"):
        await real.start_shadow(str(artefact))
    with pytest.raises(ReloadRefused, match="No candidate"):
        real.shadow_report()


async def test_closing_ends_a_shadow(start):
    classifier = await start()
    await classifier.start_shadow("v3")
    shadow = classifier._models._shadow
    await classifier.close()
    await asyncio.wait_for(asyncio.wrap_future(shadow.worker.ended), PATIENCE)

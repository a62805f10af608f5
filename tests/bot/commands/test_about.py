from dataclasses import replace

import pytest

from bot.commands.about import policy_url
from model import Missed
from tests.bot.parts import give

LINKS = {
    "source_url": "https://example.com/source",
    "support_url": "https://example.com/support",
    "privacy_url": "https://example.com/privacy",
}


async def about(world):
    return (await world.alice.slash(world.channel, "about")).response


def fields(response):
    return {field.name: field.value for field in response.embeds[0].fields}


async def test_about_answers_the_asker_alone(world):
    assert (await about(world)).ephemeral


async def test_about_names_the_model_and_its_version(world, classifier):
    info = classifier.info
    named = fields(await about(world))["Model"]
    assert all(part in named for part in (info.version, info.source, info.backend, info.device))


async def test_about_says_what_is_stored(world):
    stored = fields(await about(world))["What is stored"]
    assert "never" in stored
    assert "15 minutes" in stored


async def test_about_has_no_links_when_none_are_set(world):
    assert "Links" not in fields(await about(world))


async def test_about_has_all_links_that_are_set(world, bot, settings):
    give(bot, settings=settings.model_copy(update=LINKS))
    links = fields(await about(world))["Links"]
    assert links == " · ".join(
        f"[{name}](https://example.com/{name.lower()})" for name in ("Source", "Support", "Privacy")
    )


@pytest.mark.parametrize("field", LINKS)
async def test_about_has_only_the_link_that_is_set(world, bot, settings, field):
    give(bot, settings=settings.model_copy(update={field: LINKS[field]}))
    links = fields(await about(world))["Links"]
    assert [url for url in LINKS.values() if url in links] == [LINKS[field]]


async def test_about_shows_the_metrics_of_the_artefact(world, classifier, monkeypatch):
    monkeypatch.setattr(type(classifier), "info", replace(classifier.info, metrics={"macro_recall": 0.71234}))
    assert fields(await about(world))["Measured"] == "macro recall: 0.712"


async def test_about_is_quiet_about_metrics_it_does_not_have(world, classifier, monkeypatch):
    monkeypatch.setattr(type(classifier), "info", replace(classifier.info, metrics={}))
    assert "Measured" not in fields(await about(world))


async def test_about_fits_an_embed_with_very_many_metrics(world, classifier, monkeypatch):
    metrics = {f"a_rather_long_name_of_a_metric_{number}": 0.5 for number in range(100)}
    monkeypatch.setattr(type(classifier), "info", replace(classifier.info, metrics=metrics))
    assert len(fields(await about(world))["Measured"]) <= 1024


async def test_about_says_what_answers_instead_of_a_model_that_could_not_be_had(world, classifier, monkeypatch):
    missed = Missed("org/name@1a2b3c4", "the hub cannot be reached")
    monkeypatch.setattr(type(classifier), "info", replace(classifier.info, missed=missed))
    assert (
        "org/name@1a2b3c4 could not be had (the hub cannot be reached); the bundled model answers."
        in (fields(await about(world))["Model"])
    )


async def test_about_computes_nothing(world, backend):
    await about(world)
    assert backend.batches == 0


def test_the_policy_is_the_operators_or_comes_with_the_source_code(settings):
    def policy(**given):
        return policy_url(settings.model_copy(update=given))

    assert policy() == ""
    assert policy(source_url="https://example.com/source") == ""
    assert policy(source_url="https://github.com/me/bot/") == "https://github.com/me/bot/blob/HEAD/docs/privacy.md"
    assert (
        policy(source_url="https://github.com/me/bot", privacy_url="https://example.com/p") == "https://example.com/p"
    )

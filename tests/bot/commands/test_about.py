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
    stored = fields(await about(world))["What I keep"]
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


async def test_about_says_how_good_the_model_is_by_test_figures_in_plain_words(world, classifier, monkeypatch):
    metrics = {"imdb_test_accuracy": 0.932, "tweet_eval_test_accuracy": 0.68, "imdb_validation_accuracy": 0.9245}
    monkeypatch.setattr(type(classifier), "info", replace(classifier.info, metrics=metrics))
    said = fields(await about(world))["How good is it?"]
    assert "**68 of 100** tweets and **93 of 100** film reviews" in said
    assert "92" not in said


@pytest.mark.parametrize("metrics", [{}, {"imdb_validation_accuracy": 0.9}, {"imdb_test_accuracy": 7.0}])
async def test_about_is_quiet_about_what_was_not_tested(world, classifier, monkeypatch, metrics):
    monkeypatch.setattr(type(classifier), "info", replace(classifier.info, metrics=metrics))
    assert "How good is it?" not in fields(await about(world))


async def test_about_says_what_answers_instead_of_a_model_that_could_not_be_had(world, classifier, monkeypatch):
    missed = Missed("org/name@1a2b3c4", "the hub can't be reached")
    monkeypatch.setattr(type(classifier), "info", replace(classifier.info, missed=missed))
    assert (
        "I couldn't get org/name@1a2b3c4 (the hub can't be reached); the bundled model is running instead."
        in (fields(await about(world))["Model"])
    )
    other = replace(classifier.info, source="org/before@9", missed=missed)
    monkeypatch.setattr(type(classifier), "info", other)
    assert fields(await about(world))["Model"].splitlines()[1] == other.fallback


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


async def test_about_says_so_when_texts_leave_this_machine(world, bot, settings):
    assert "no text leaves it" in (await about(world)).embeds[0].description
    give(bot, settings=settings.model_copy(update={"inference_url": "http://score:8000/score"}))
    said = (await about(world)).embeds[0].description
    assert "texts are sent there to be scored" in said
    assert "no text leaves it" not in said
    give(bot, settings=settings.model_copy(update={"inference_url": "http://127.0.0.1:8000/score"}))
    assert "no text leaves it" in (await about(world)).embeds[0].description

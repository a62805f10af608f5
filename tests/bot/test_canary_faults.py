"""Whatever fails, with somebody's words in the error itself: they reach no line, no exception report and no file."""

import gc
import logging
from pathlib import Path

import pytest

from bot.app.logging_setup import set_up_logging
from bot.commands import sentiment
from bot.presentation.error_words import SORRY
from bot.storage.errors import DatabaseUnavailable
from tests.cards import reply
from tests.discord.canary import CANARY, HATE, LOVE, traces, traces_in_files

QUIETENED = ("discord", "aiosqlite", "alembic")


@pytest.fixture
def log(caplog):
    """Everything that the process would log at its most talkative, tracebacks included."""
    levels = {name: logging.getLogger(name).level for name in QUIETENED}
    set_up_logging("DEBUG")
    caplog.set_level("DEBUG")
    yield caplog
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def raises(error):
    async def fail(*_, **__):
        raise error

    return fail


def the_model_fails(world, backend, monkeypatch, error):
    backend.error = error


def the_classifier_fails(world, backend, monkeypatch, error):
    monkeypatch.setattr(type(world.env.bot.services.classifier), "classify", raises(error))


def the_explanation_fails(world, backend, monkeypatch, error):
    monkeypatch.setattr(type(world.env.bot.services.classifier), "explain", raises(error))


def the_card_fails(world, backend, monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(sentiment, "verdict_card", fail)


def the_store_fails(world, backend, monkeypatch, error):
    storage = world.env.bot.services.storage
    for part, name in ((storage.feedback, "add"), (storage.people, "held"), (storage.opt_outs, "add")):
        monkeypatch.setattr(type(part), name, raises(error))
    monkeypatch.setattr(type(storage.write_buffer), "forget", raises(error))


def the_database_is_away(world, backend, monkeypatch, error):
    the_store_fails(world, backend, monkeypatch, DatabaseUnavailable(str(error)))


def discord_fails(world, backend, monkeypatch, error):
    for method, path in (("POST", "/interactions/*/callback"), ("PATCH", "/webhooks/*/messages/@original")):
        world.env.inject_error(method, path, status=500, times=3)


FAULTS = (
    the_model_fails,
    the_classifier_fails,
    the_explanation_fails,
    the_card_fails,
    the_store_fails,
    the_database_is_away,
    discord_fails,
)


async def use_everything(world):
    """Every way to give the bot a text; what is not answered because of a fault is left at that."""
    for answer in (await world.ask(LOVE), await world.ask(HATE, private=True), await world.check(LOVE)):
        for label in ("Why?", "Wrong", "Should be neutral", "Right"):
            await click(world, answer, label)
    for command in ("see", "export", "delete", "opt-out", "opt-in"):
        await world.alice.slash(world.channel, f"privacy {command}")
    message = await world.maya.send(world.channel, LOVE)
    await world.maya.edit(message, HATE)
    await world.maya.delete(message)


async def click(world, answer, label):
    """Presses that button if the answer has it."""
    if answer.response is None:
        return
    if label in [button.get("label") for row in answer.response.components for button in row["components"]]:
        await world.alice.click(answer.response, label=label)


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_with_a_text_in_its_message_says_nothing_of_it(
    fault, world, storage, backend, monkeypatch, log, settings, capfd
):
    with monkeypatch.context() as patch:
        fault(world, backend, patch, RuntimeError(f"cannot read {LOVE}"))
        await use_everything(world)
    backend.reset()
    await storage.write_buffer.flush()
    await world.env.bot.jobs.tick()
    list(world.env.errors)  # the bot has answered for them
    gc.collect()  # a task's error that nobody looked at is reported when the task goes
    said = "\n".join([log.text, *capfd.readouterr()])
    assert list(traces(said.encode())) == []
    assert traces_in_files(Path(settings.data_dir)) == []


async def test_the_log_would_show_it(log):
    logging.getLogger("bot").debug("read %s", LOVE)
    try:
        raise RuntimeError(HATE)
    except RuntimeError:
        logging.getLogger("bot").exception("failed")
    assert log.text.count(CANARY) == 2


async def test_an_apology_says_nothing_of_the_text_either(world, backend):
    backend.error = RuntimeError(LOVE)
    answer = await world.ask(LOVE)
    assert (reply(answer).content, reply(answer).components) == (SORRY, [])

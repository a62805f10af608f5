import time

import pytest

from bot.domain.records import Answer, DigestKind
from bot.monitoring.personal_data import MESSAGES
from bot.settings import Settings, load_settings
from bot.storage.database import Database
from bot.storage.errors import BadHashKey, DatabaseUnusable
from bot.storage.open_storage import open_storage
from bot.storage.schema import DigestRow, FeedbackRow, MessageScoreRow
from model.verdict import Sentiment
from tests.bot.storage.scenes import GENERAL, HOME, rows_of, verdict

DISCORD_NOW = 2_000_000_000_000_000_000
"""The id of a message of 2034, which no retention time has reached yet."""


def settings(folder, **chosen):
    return Settings(_env_file=None, data_dir=folder, **chosen)


async def test_what_was_read_before_the_end_is_written_at_the_end(folder):
    async with open_storage(settings(folder)) as opened:
        opened.write_buffer.start()
        opened.write_buffer.scored(DISCORD_NOW, HOME, GENERAL, opened.pseudonyms.author(42), verdict(1.0))
    async with open_storage(settings(folder)) as opened:
        held = await opened.people.held(opened.pseudonyms.authors(42), (MESSAGES,))
    assert [one.message_id for one in held[0].held.messages] == [DISCORD_NOW]


async def test_who_opted_out_is_known_from_the_start(folder):
    async with open_storage(settings(folder)) as opened:
        await opened.opt_outs.add(42)
    async with open_storage(settings(folder)) as opened:
        assert opened.opt_outs.includes(42)


async def test_what_is_written_is_dated_by_discords_time_and_not_by_a_wrong_clock(folder):
    ahead = 10 * 86400
    async with open_storage(settings(folder)) as opened:
        now = time.time()
        opened.clock._local = lambda: time.time() + ahead
        opened.clock.heard(now)
        await opened.opt_outs.add(42)
        await opened.alerts.claim_digest(HOME, DigestKind.DAILY, "2026-11-25")
        await opened.feedback.add(Answer(Sentiment.NEGATIVE, -1000, "0123456789ab"), Sentiment.POSITIVE)
        (digest,), (feedback,) = [await rows_of(opened.database, row) for row in (DigestRow, FeedbackRow)]
        (entry,) = opened.erasures.about(opened.pseudonyms.authors(42))
    for moment in (digest["claimed"], feedback["hour"] * 3600, entry.time, entry.target):
        assert moment < now + ahead / 2


async def test_a_new_key_is_noticed_at_the_start(folder, caplog):
    for key in ("a key of enough characters", "a key of enough characters", "another key of enough characters"):
        assert "the key is a new one" not in caplog.text
        with caplog.at_level("INFO"):
            async with open_storage(settings(folder, hash_key=key)):
                pass
    assert "the key is a new one" in caplog.text


async def test_a_wrong_hash_key_lets_go_of_the_database(folder):
    with pytest.raises(BadHashKey):
        async with open_storage(settings(folder, hash_key="short")):
            pass
    database = await Database.open(folder)
    assert await rows_of(database, MessageScoreRow) == []
    await database.close()


async def test_settings_choose_the_database_and_the_key(folder, new_postgres_url):
    chosen = settings(folder, database_url=new_postgres_url, hash_key="a key of enough characters")
    async with open_storage(chosen) as opened:
        assert opened.database.dialect == "postgresql"
    assert not folder.exists()


async def test_the_log_says_in_which_folder_the_files_are(folder, caplog, monkeypatch):
    folder.mkdir()
    (folder / "mood.db").touch()
    monkeypatch.chdir(folder.parent)
    with caplog.at_level("INFO"):
        async with open_storage(load_settings()):
            pass
    assert f"the bot's files are in {folder}" in caplog.messages


async def test_a_database_that_is_gone_at_the_start_is_named(folder, caplog):
    async with open_storage(settings(folder)):
        assert "missing or empty" not in caplog.text
    for loss in (lambda file: file.unlink(), lambda file: file.write_bytes(b"")):
        loss(folder / "mood.db")
        async with open_storage(settings(folder)):
            assert "mood.db was missing or empty, and a new one is made" in caplog.text
        caplog.clear()
    async with open_storage(settings(folder)):
        assert not caplog.text


async def test_a_log_of_erasures_that_may_not_be_read_is_for_whoever_set_it(folder):
    (folder / "erasures.log").mkdir(parents=True)
    with pytest.raises(DatabaseUnusable, match=r"I can't read .*erasures\.log"):
        async with open_storage(settings(folder)):
            pass

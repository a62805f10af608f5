import pytest

from bot.monitoring.personal_data import MESSAGES
from bot.settings import Settings, load_settings
from bot.storage.database import Database
from bot.storage.errors import BadHashKey
from bot.storage.open_storage import open_storage
from bot.storage.schema import MessageScoreRow
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

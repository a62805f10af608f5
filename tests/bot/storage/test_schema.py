"""What is kept, word for word: whoever adds a column must say here what it holds, and why it names nobody."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Boolean, Integer, LargeBinary, String
from sqlalchemy.exc import IntegrityError

from bot.domain.backfill import BackfillState
from bot.domain.model_release import ReleaseState, ReportState
from bot.domain.records import AdminAction, DigestKind, GapCause, Mode, Sensitivity, TargetKind
from bot.storage.changes import Changed
from bot.storage.schema import Base, MessageScoreRow
from bot.storage.upsert import table_of
from tests.bot.storage.scenes import author

KEPT = {
    "alerts": "number guild_id channel_id post_id level usual_level started acknowledged recovered false_alarm",
    "audit": "number guild_id done actor action target_kind target_id",
    "backfills": "guild_id state days first_hour end_hour channel_id hour messages left_out changed",
    "bookkeeping": "number purged_before alive application_id erasures key linked_from",
    "changes": "number kind target_id made",
    "channel_rules": "guild_id target_kind target_id mode tagging sensitivity alert_messages alert_authors",
    "departures": "guild_id since",
    "erasure_logs": "log done",
    "digests": "guild_id kind period claimed sent",
    "filled_hours": "channel_id first_hour end_hour guild_id",
    "feedback": "number label answered score model hour",
    "gaps": "number guild_id channel_id shard shards cause started ended looked",
    "guild_settings": "guild_id timezone mod_channel_id positive_reaction negative_reaction reaction_floor"
    " alert_messages alert_authors digest digest_hour digest_messages alert_role_id links language languages",
    "hour_authors": "channel_id hour author messages unread",
    "hours": "channel_id hour guild_id negative neutral positive score_sum score_square_sum authors unread writers"
    " told noise_score noise_negative noise_positive noise_variance",
    "late_changes": "channel_id hour author messages",
    "leases": "shards shard holder epoch",
    "marks": "number guild_id happened text",
    "message_scores": "message_id guild_id channel_id thread_id author hour edited score sentiment model",
    "model_release": "number source sha256 version before_source before_sha256 rollback state reason asked changed",
    "model_reports": "release process who state reason",
    "notices": "channel_id guild_id message_id posted deletions tells",
    "opt_outs": "author since",
    "processes": "process cluster clusters shards host version started heartbeat",
    "registrations": "scope version sent held times",
    "requests": "author erased_to in_from noted",
    "snoozes": "channel_id guild_id until",
    "signs_of_life": "shards shard alive",
    "tags": "message_id emoji guild_id channel_id thread_id author",
    "told_days": "channel_id first_hour end_hour guild_id negative neutral positive score_sum score_square_sum authors",
    "told_hours": "channel_id hour guild_id version negative neutral positive score_sum score_square_sum authors unread"
    " written writers",
    "webhooks": "guild_id webhook_id token last_alert",
}

ABOUT_A_PERSON = {"message_scores": "author", "hour_authors": "author", "opt_outs": "author", "audit": "actor"}
ABOUT_A_PERSON |= {"late_changes": "author", "tags": "author", "requests": "author"}
"""Where a person's hash is. `PeopleRepository.held`, `WriteBuffer.forget` and `purge` see to each of them."""

WORDS = {
    "audit.action": AdminAction,
    "audit.target_kind": TargetKind,
    "backfills.state": BackfillState,
    "bookkeeping.key": "eight hexadecimal digits of a hash of the key",
    "channel_rules.mode": Mode,
    "channel_rules.sensitivity": Sensitivity,
    "channel_rules.target_kind": TargetKind,
    "digests.kind": DigestKind,
    "digests.period": "a day or week, such as 2026-11-25 or 2026-W48, that the bot worked out",
    "gaps.cause": GapCause,
    "feedback.model": "a hash of the model's files",
    "guild_settings.digest": DigestKind,
    "guild_settings.negative_reaction": "an emoji that an admin chose",
    "guild_settings.positive_reaction": "an emoji that an admin chose",
    "guild_settings.timezone": "a name of the time zone database; GuildRepository.set_settings refuses others",
    "guild_settings.language": "one of the languages of the bot, or nothing",
    "guild_settings.languages": "codes of languages that the model reads, or nothing",
    "changes.kind": Changed,
    "erasure_logs.log": "a random name of the log of one of the bot's processes",
    "leases.holder": "a random name of one of the bot's processes",
    "processes.process": "a random name of one of the bot's processes",
    "processes.host": "the name of the machine that it runs on",
    "processes.version": "a version of the bot",
    "model_release.source": "which model the bot's owner has asked for: a folder or a hub id",
    "model_release.sha256": "a hash of the model's files",
    "model_release.version": "a hash of the model's files",
    "model_release.before_source": "which model there was before: a folder or a hub id",
    "model_release.before_sha256": "a hash of the model's files",
    "model_release.state": ReleaseState,
    "model_release.reason": "a sentence of ours: why a model was refused; it repeats names of its files, no text",
    "model_reports.process": "a random name of one of the bot's processes",
    "model_reports.who": "which of the processes it is, and the name of the machine that it runs on",
    "model_reports.state": ReportState,
    "model_reports.reason": "as model_release.reason",
    "registrations.scope": "the id of the bot's application, or that and of the operator's server",
    "registrations.version": "a version of the bot",
    "registrations.sent": "a hash of the bot's own commands",
    "registrations.held": "a hash of the bot's own commands",
    "registrations.times": "when they were registered last",
    "marks.text": "what a moderator names an event on purpose, for all to read, in 40 characters; not who it was",
    "message_scores.model": "a hash of the model's files",
    "tags.emoji": "an emoji that an admin chose",
    "webhooks.token": "the secret of a webhook, which Discord has made up",
}
"""Where text is: one of a few words of ours, or else why no person writes it, or why it's kept."""

LONGER = {"webhooks.token": 100, "model_reports.who": 96, "model_reports.reason": 400, "model_release.reason": 500}
LONGER |= {"model_release.source": 300, "model_release.before_source": 300}
"""A token of Discord's has 68 characters; sentences and folders are long, and no person writes them but the owner."""

PLACES = {"guild_id", "channel_id", "mod_channel_id", "thread_id", "target_id", "application_id", "alert_role_id"}
PLACES |= {"webhook_id"}
"""Ids of servers and what is in them, and the bot's own. A target is a server, category, channel, thread or role."""

MESSAGES = {"message_id", "post_id", "linked_from", "erased_to", "in_from"}
"""Ids of messages; the second kind are the bot's own, and the third is the first that it may link.

The last two are limits that somebody has set to the messages of theirs that may be kept.
"""

TIMES = {"hour", "edited", "started", "ended", "acknowledged", "recovered", "claimed", "sent", "done", "since", "alive"}
TIMES |= {
    "purged_before",
    "digest_hour",
    "posted",
    "first_hour",
    "end_hour",
    "until",
    "changed",
    "days",
    "happened",
    "false_alarm",
    "heartbeat",
    "made",
    "noted",
    "asked",
}

NUMBERS = {"number", "level", "usual_level", "score", "sentiment", "label", "answered", "score_sum", "score_square_sum"}
NUMBERS |= {"erasures", "links", "last_alert", "release", "rollback"}
NUMBERS |= {"negative", "neutral", "positive", "unread", "authors", "writers", "messages", "reaction_floor"}
NUMBERS |= {"shard", "shards", "looked", "left_out", "tells", "cluster", "clusters", "epoch"}
NUMBERS |= {"alert_messages", "alert_authors", "digest_messages", "tagging", "deletions"}
NUMBERS |= {"alert_messages", "alert_authors", "digest_messages", "tagging", "told", "version", "written"}
NUMBERS |= {"noise_score", "noise_negative", "noise_positive", "noise_variance"}
"""Scores, counts, limits and switches."""


def tables():
    return Base.metadata.tables


def test_every_column_is_one_that_was_thought_about():
    assert {name: list(table.columns.keys()) for name, table in tables().items()} == {
        name: columns.split() for name, columns in KEPT.items()
    }


def test_people_are_hashes_and_nowhere_else():
    binary = {
        (table.name, column.name)
        for table in tables().values()
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }
    assert binary == set(ABOUT_A_PERSON.items())


def columns_of(*kinds):
    return {
        f"{table.name}.{column.name}": column
        for table in tables().values()
        for column in table.columns
        if isinstance(column.type, kinds)
    }


def test_no_column_has_room_for_a_message_or_a_name():
    texts = columns_of(String)
    assert texts.keys() == WORDS.keys()
    for name, column in texts.items():
        assert column.type.length is not None, name
        assert column.type.length <= LONGER.get(name, 64), name
        words = WORDS[name] if isinstance(WORDS[name], type) else ()
        assert all(len(word) <= column.type.length for word in words), name


def test_every_number_is_a_place_a_message_a_time_or_a_count_and_never_a_person():
    names = {name.partition(".")[2] for name in columns_of(Integer, Boolean)}
    assert names == PLACES | MESSAGES | TIMES | NUMBERS
    assert set(TargetKind) == {"server", "category", "channel", "thread", "role"}


def test_there_is_no_other_kind_of_column():
    every = {f"{table.name}.{column.name}" for table in tables().values() for column in table.columns}
    assert every == columns_of(String, Integer, Boolean, LargeBinary).keys()


async def test_the_migrations_make_exactly_these_tables(database):
    def compare(connection):
        return compare_metadata(MigrationContext.configure(connection), Base.metadata)

    async with database.read() as connection:
        assert await connection.run_sync(compare) == []


@pytest.mark.parametrize("wrong", [{"score": 1001}, {"score": -1001}, {"sentiment": 4}, {"author": b"short"}])
async def test_the_database_itself_refuses_what_no_score_can_be(sqlite, wrong):
    row = {"message_id": 1, "guild_id": 1, "channel_id": 1, "author": author(1), "hour": 0, "edited": 0}
    row |= {"score": 0, "sentiment": 1, "model": "m"}
    with pytest.raises(Exception) as caught:
        async with sqlite.write() as connection:
            await connection.execute(table_of(MessageScoreRow).insert().values(row | wrong))
    assert isinstance(caught.value.__cause__, IntegrityError)

"""What /about says is stored once something is."""

from tests.bot.parts import give


async def test_about_says_what_is_kept_of_watched_messages_and_where_to_have_a_say(world, bot, settings):
    give(bot, settings=settings.model_copy(update={"retention_days": 12}))
    (embed,) = (await world.alice.slash(world.channel, "about")).response.embeds
    stored = {field.name: field.value for field in embed.fields}["What I keep"]
    assert "Your messages: never" in stored
    assert "for 12 days. After that only hourly totals" in stored
    assert "scrambled author id" in stored
    assert "`/privacy`" in stored
    assert "only a hash of my own command list" not in stored

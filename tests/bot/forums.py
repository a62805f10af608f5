"""What the simulated Discord does not know of forums: whose post is its first message, what tags it asks for, media."""

import discord
from simcord.backend import serializers

REQUIRE_TAG = discord.ChannelFlags(require_tag=True).value
MEDIA = discord.ChannelType.media.value


def teach_forums(backend):
    """As in Discord, a post's first message has the id of the post."""
    create = backend.create_forum_post

    def create_forum_post(forum_id, name, starter, **more):
        mint = backend.snowflake
        ids = iter([starter.id])
        backend.snowflake = lambda *given: next(ids, None) or mint(*given)
        try:
            return create(forum_id, name, starter, **more)
        finally:
            backend.snowflake = mint

    backend.create_forum_post = create_forum_post


async def change_forum(env, forum, tags=(), **changes):
    """Gives a forum tags, each a name and whether only moderators give it, and other parts of its payload."""
    backend = env.backend
    stored = backend.get_channel(forum.id)
    stored.available_tags = [
        {"id": str(backend.snowflake()), "name": name, "moderated": moderated, "emoji_id": None, "emoji_name": None}
        for name, moderated in tags
    ]
    payload = dict(serializers.channel_payload(backend, stored)) | {"available_tags": stored.available_tags} | changes
    backend.emit("CHANNEL_CREATE" if "type" in changes else "CHANNEL_UPDATE", payload)  # a type never changes
    await env.settle()


async def change_post(env, post, **metadata):
    """Archives or locks a post."""
    stored = env.backend.get_channel(post.id)
    for name, value in metadata.items():
        setattr(stored.thread_metadata, name, value)
    env.backend.emit("THREAD_UPDATE", serializers.channel_payload(env.backend, stored))
    await env.settle()

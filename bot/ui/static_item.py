"""What buttons have in common whose id says all that there is to know of them."""

from __future__ import annotations

import re
from typing import Any, Self

import discord


class StaticItem:
    """There is only one of it. It stands before `discord.ui.DynamicItem` among the bases."""

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], _item: discord.ui.Item[Any], _match: re.Match[str], /
    ) -> Self:
        """Rebuilds it, as after a restart."""
        return cls()

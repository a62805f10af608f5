"""What a card says and asks: its texts and buttons stand in a container, and not in an embed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def parts(components: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Raw components and all that is in them."""
    for component in components:
        yield component
        yield from parts(component.get("components", []))


def texts(message: Any) -> list[str]:
    """The texts of a card, from top to bottom."""
    return [part["content"] for part in parts(message.components) if part["type"] == 10]


def card(message: Any) -> str:
    """All that a card says."""
    return "\n".join(texts(message))


def headline(message: Any) -> str:
    """The card's own word for the mood, without its sign and its link."""
    (heading,) = (line for line in card(message).splitlines() if line.startswith("### "))
    return heading.split(" ", 2)[2].removeprefix("[").split("](")[0]


def labels(message: Any) -> list[str]:
    """The buttons of a message."""
    return [part["label"] for part in parts(message.components) if part["type"] == 2]


def reply(result: Any) -> Any:
    """The message that answers whoever asked: where the first look of it was public, what they were told in private."""
    return result.response if result.response is not None else result.followups[-1]

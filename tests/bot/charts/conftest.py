"""What is drawn."""

import pytest
from matplotlib.text import Text


@pytest.fixture
def drawn(monkeypatch):
    """The words that are drawn, and where: left, bottom, right and top in pixels."""
    found = []
    draw_text = Text.draw

    def noted(text, renderer, *rest):
        if text.get_visible() and text.get_text().strip():
            found.append((text.get_text(), text.get_window_extent(renderer).extents))
        draw_text(text, renderer, *rest)

    monkeypatch.setattr(Text, "draw", noted)
    return found

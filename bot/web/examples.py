"""Texts to click."""

EXAMPLES = (
    ("Film review", "A slow start, but the last act is breathtaking and the cast never puts a foot wrong."),
    ("Bad film", "Two hours of my life I will never get back: wooden acting and a plot full of holes."),
    ("Slang", "this new track slaps, absolute banger fr"),
    ("Emoji", "finally home 🥰🎉 best weekend ever"),
    ("Neutral chatter", "the meeting moved to 3 pm, same room as last week"),
    ("Mixed", "pros: great camera. cons: bad battery"),
)
"""A name for the button, and the text."""

"""Texts to click."""

EXAMPLES = (
    ("Film review", "A slow start, but the last act is breathtaking and the cast never puts a foot wrong."),
    ("Bad film", "Two hours of my life I will never get back: wooden acting and a plot full of holes."),
    ("Slang", "ngl this new patch slaps, devs absolutely cooked fr"),
    ("Emoji", "finally home 🥰🎉 best weekend ever"),
    ("Neutral chatter", "the meeting moved to 3 pm, same room as last week"),
    ("Mixed", "love the camera, but the battery is terrible"),
)
"""A name for the button, and the text."""

"""Words, colours and numbers as people read them; nothing here knows Discord, HTML or where a value comes from."""

"""The Discord bot: commands, answers and the process they live in."""

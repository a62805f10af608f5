"""`python -m bot`: the command `vibecheck`, for a checkout that is not installed."""

from bot.cli.main import entry

if __name__ == "__main__":
    entry()

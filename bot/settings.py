"""Settings, from the environment and a `.env`, and the two folders where they and the bot's files are looked for."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from platformdirs import user_config_path, user_data_path
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_NAME = "vibecheck"
_KEPT = ("mood.db", "hash.key")
"""Files that nobody can do without: scores and opt-outs, and the key that finds a person's among them."""


_SHORTEST_TOKEN, _FEWEST_CHARACTERS = 16, 6
_LIKE_A_NAME = re.compile(r"[A-Z_]{1,40}")
"""What is not may be a token or a key that somebody has pasted before the "=", and is not repeated."""


class SettingsError(Exception):
    """A setting is unknown or has a value it cannot have; the message is a sentence that names it."""


def settings_file() -> Path | None:
    """The `.env` that is read: the one in the working directory, else the one in the account's folder for settings.

    That folder is the platform's own, such as `~/.config/vibecheck`.
    """
    of_account = _of_account(user_config_path)
    places = (Path(".env"), *((of_account / ".env",) if of_account is not None else ()))
    return next((path for path in places if _is_file(path)), None)


def default_data_dir() -> Path:
    """Where the bot keeps its files when DATA_DIR does not say it: not wherever somebody happens to start it.

    That is the account's folder for data, such as `~/.local/share/vibecheck`. But `data` in the working directory goes
    on being used where the bot's files are in it, or where a `.env` shows that this is the bot's own folder; and for an
    account without a home.
    """
    here = Path("data")
    shown = Path(".env"), *(here / name for name in _KEPT)
    return here if any(map(_is_file, shown)) else _of_account(user_data_path) or here


def _of_account(folder: Callable[..., Path]) -> Path | None:
    """A folder of the account's; None for one that has no home, as a container's may."""
    try:
        return folder(_NAME, appauthor=False)
    except RuntimeError:
        return None


def _is_file(path: Path) -> bool:
    """A place that may not be looked into, such as a home under systemd's ProtectHome, holds nothing for us."""
    try:
        return path.is_file()
    except OSError:
        return False


SECRETS = ("discord_token", "database_url", "hash_key", "web_token")
"""Settings that a file may hold in their place: of each there is one whose name ends in _FILE."""

_LONGEST_SECRET = 16_384


def _secret_in(file: Path, setting: str) -> str:
    """What a file holds, without blanks and line ends around it. Raises SettingsError naming the setting."""
    try:
        with file.open("rb") as opened:
            data = opened.read(_LONGEST_SECRET + 1)
        secret = data.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise SettingsError(f"{setting} names a file that is not UTF-8 text.") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "its name cannot be one"
        raise SettingsError(f"{setting} names a file that cannot be read ({reason}).") from None
    if not secret or len(data) > _LONGEST_SECRET:
        raise SettingsError(
            f"{setting} names a file that {'holds nothing' if not secret else 'is no secret, but large'}."
        )
    return secret


class Settings(BaseSettings):
    """Every setting, its default and what it does. The environment wins over the file (`settings_file`)."""

    model_config = SettingsConfigDict(
        env_file_encoding="utf-8", env_ignore_empty=True, extra="forbid", hide_input_in_errors=True
    )

    discord_token: SecretStr | None = Field(
        None, description="The bot's token from the developer portal; keep it secret."
    )
    discord_token_file: Path | None = Field(
        None, description="A file that holds it instead, as systemd, Docker and Kubernetes hand over secrets."
    )
    model: str = Field("bundled", description="What answers: bundled, a folder, or a hub id as org/name@revision.")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="Where the model runs: auto, cpu or cuda.")
    threads: int = Field(0, ge=0, le=256, description="Threads the model computes with; 0 is all granted processors.")
    queue_limit: int = Field(
        65_536,
        ge=1,
        le=100_000_000,
        description="Tokens, estimated, that may wait before texts are refused.",
    )
    batch_tokens: int = Field(
        0, ge=0, le=65_536, description="Tokens computed at once; 0 finds out what suits this machine."
    )
    cache_size: int = Field(4096, ge=0, le=1_000_000, description="Verdicts on short texts kept in memory; 0: none.")
    admin_guild: int = Field(0, ge=0, description="Id of the server in which the bot's owner gets /model; 0: nowhere.")
    data_dir: Path = Field(
        default_factory=default_data_dir,
        description="Where the bot keeps its files; empty: this account's folder for data, "
        "or data here if it has files in it or there is a .env here.",
    )
    database_url: SecretStr | None = Field(
        None, description="A PostgreSQL as postgresql://name:password@host/database; empty: a file in DATA_DIR."
    )
    database_url_file: Path | None = Field(None, description="A file that holds it instead.")
    hash_key: SecretStr | None = Field(
        None, description="Secret behind the hashes of people's ids; empty: one is made and kept in DATA_DIR."
    )
    hash_key_file: Path | None = Field(None, description="A file that holds it instead.")
    retention_days: int = Field(
        7, ge=1, le=30, description="Days for which scores of single messages are kept, 1 to 30; then only hourly sums."
    )
    catch_up: int = Field(
        24,
        ge=0,
        le=168,
        description="Hours of which what was missed is read afterwards, when the bot was away, up to 168; 0: none.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="How much is logged.")
    log_format: Literal["text", "json"] = Field(
        "text", description="How it is logged: text for people, json for whoever collects logs."
    )
    web_host: str = Field("127.0.0.1", description="Address that the web page listens at; 0.0.0.0: everybody's.")
    web_port: int = Field(0, ge=0, le=65535, description="Port of a web page that runs beside the bot; 0: none.")
    web_share: bool = Field(False, description="Whether the page also gets a public address at gradio.live.")
    web_token: SecretStr | None = Field(
        None,
        description="What visitors of the page must enter, at least 16 characters; empty: only this machine sees it.",
    )
    web_token_file: Path | None = Field(None, description="A file that holds it instead.")
    web_open: bool = Field(False, description="Whether the page is for everybody who can reach it, without a token.")
    web_models: str = Field(
        "", description="Models, with spaces between, that visitors may compare with the one that answers."
    )
    metrics_host: str = Field("127.0.0.1", description="Address that health and metrics are served at.")
    metrics_port: int = Field(
        0, ge=0, le=65535, description="Port of health and metrics (/livez, /healthz, /readyz, /metrics); 0: none."
    )
    source_url: str = Field("", description="Link to the source code, shown by /about.")
    support_url: str = Field("", description="Link to a support server or page, shown by /about.")
    privacy_url: str = Field(
        "", description="Link to your privacy policy, shown by /about; empty: that of the source code."
    )
    help_url: str = Field(
        "https://findahelpline.com",
        description="Link to help lines, shown instead of a rating when somebody may be in danger; none: no link.",
    )

    @model_validator(mode="before")
    @classmethod
    def _from_files(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Each secret that a file holds is read, and then is as any other. Raises SettingsError."""
        for name in SECRETS:
            file = values.get(f"{name}_file")
            if not file:
                continue
            if values.get(name):
                raise SettingsError(
                    f"{name.upper()} and {name.upper()}_FILE are both set; take one of them away, for nobody can tell "
                    "which is meant."
                )
            values[name] = _secret_in(Path(file), f"{name.upper()}_FILE")
        return values

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("web_token")
    @classmethod
    def _is_hard_to_guess(cls, value: SecretStr | None) -> SecretStr | None:
        secret = "" if value is None else value.get_secret_value()
        if value is not None and (len(secret) < _SHORTEST_TOKEN or len(set(secret)) < _FEWEST_CHARACTERS):
            raise ValueError(f"it must have at least {_SHORTEST_TOKEN} characters and not repeat a few")
        return value

    @field_validator("help_url")
    @classmethod
    def _none_is_no_link(cls, value: str) -> str:
        """An empty setting is as if it were not there, so that "none" must be said."""
        return "" if value.lower() == "none" else value

    @field_validator("source_url", "support_url", "privacy_url", "help_url")
    @classmethod
    def _is_web_address(cls, value: str) -> str:
        if value and not value.startswith(("https://", "http://")):
            raise ValueError("it must start with https://")
        return value


def load_settings() -> Settings:
    """Reads the settings. Raises SettingsError naming the first setting that is wrong; values are never repeated."""
    file = settings_file()
    try:
        return Settings(_env_file=file)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = str(first["loc"][0]).upper() if first["loc"] else "a setting"
        if first["type"] == "extra_forbidden":
            known = ", ".join(field.upper() for field in Settings.model_fields)
            shown = f"an unknown setting {name}" if _LIKE_A_NAME.fullmatch(name) else "a line that is no setting"
            raise SettingsError(f"{file} has {shown}; the known ones are {known}.") from None
        raise SettingsError(
            f"The setting {name} cannot be used: {first['msg'].removeprefix('Value error, ')}."
        ) from None
    except UnicodeDecodeError:
        raise SettingsError(f"{file} is not UTF-8 text; save it again as UTF-8.") from None
    except OSError as error:
        raise SettingsError(f"{file} cannot be read ({error.strerror}).") from None

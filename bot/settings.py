"""Settings, from the environment and `.env`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class SettingsError(Exception):
    """A setting is unknown or has a value it cannot have; the message is a sentence that names it."""


class Settings(BaseSettings):
    """Every setting, its default and what it does. The environment wins over `.env`."""

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", env_ignore_empty=True, extra="forbid", hide_input_in_errors=True
    )

    discord_token: SecretStr | None = Field(
        None, description="The bot's token from the developer portal; keep it secret."
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
    data_dir: Path = Field(Path("data"), description="Where the bot keeps its files.")
    database_url: SecretStr | None = Field(
        None, description="A PostgreSQL as postgresql://name:password@host/database; empty: a file in DATA_DIR."
    )
    hash_key: SecretStr | None = Field(
        None, description="Secret behind the hashes of people's ids; empty: one is made and kept in DATA_DIR."
    )
    retention_days: int = Field(
        7, ge=1, le=30, description="Days for which scores of single messages are kept, 1 to 30; then only hourly sums."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="How much is logged.")
    web_host: str = Field("127.0.0.1", description="Address that the web page listens at; 0.0.0.0: everybody's.")
    web_port: int = Field(0, ge=0, le=65535, description="Port of a web page that runs beside the bot; 0: none.")
    web_share: bool = Field(False, description="Whether the page also gets a public address at gradio.live.")
    web_models: str = Field(
        "", description="Models, with spaces between, that visitors may compare with the one that answers."
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

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

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
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = str(first["loc"][0]).upper() if first["loc"] else "a setting"
        if first["type"] == "extra_forbidden":
            known = ", ".join(field.upper() for field in Settings.model_fields)
            raise SettingsError(f".env has an unknown setting {name}; the known ones are {known}.") from None
        raise SettingsError(
            f"The setting {name} cannot be used: {first['msg'].removeprefix('Value error, ')}."
        ) from None
    except UnicodeDecodeError:
        raise SettingsError(".env is not UTF-8 text; save it again as UTF-8.") from None
    except OSError as error:
        raise SettingsError(f".env cannot be read ({error.strerror}).") from None

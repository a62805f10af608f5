"""Settings, from the environment and a `.env`, and the two folders where they and the bot's files are looked for."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit, urlunsplit

from platformdirs import user_config_path, user_data_path
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_NAME = "vibecheck"
_KEPT = ("mood.db", "hash.key")
"""Files that nobody can do without: scores and opt-outs, and the key that finds a person's among them."""


_MOST_CLUSTERS = 1000
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


SECRETS = ("discord_token", "database_url", "hash_key", "web_token", "inference_token")
"""Settings that a file may hold in their place: of each there is one whose name ends in _FILE."""

_LONGEST_SECRET = 16_384


def secret_in(file: Path, setting: str) -> str:
    """What a file holds, without blanks and line ends around it. Raises SettingsError naming the setting."""
    try:
        with file.open("rb") as opened:
            data = opened.read(_LONGEST_SECRET + 1)
        secret = data.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise SettingsError(f"{setting} names a file that isn't UTF-8 text.") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "its name can't be one"
        raise SettingsError(f"{setting} names a file that I can't read ({reason}).") from None
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
        None, description="A file with the token instead, for secrets from systemd, Docker or Kubernetes."
    )
    model: str = Field(
        "bundled",
        description="The model: bundled, multilingual (in a clone, after make; else name its folder), a folder, or a "
        "hub id like org/name@revision. Of two joined by a +, like bundled+multilingual, the first reads English and "
        "the second its other languages.",
    )
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="Where the model runs: auto, cpu or cuda.")
    backend: Literal["auto", "onnxruntime", "openvino", "torch"] = Field(
        "auto",
        description=(
            "What runs the model: auto (the fastest installed one that gives the same answers), "
            "onnxruntime, openvino or torch."
        ),
    )
    threads: int = Field(0, ge=0, le=256, description="Threads for the model; 0 = all processors the bot may use.")
    queue_limit: int = Field(
        65_536,
        ge=1,
        le=100_000_000,
        description="How many tokens (estimated) may wait before the bot says it's busy.",
    )
    batch_tokens: int = Field(0, ge=0, le=65_536, description="Tokens per batch; 0 = find out what suits this machine.")
    cache_size: int = Field(
        4096, ge=0, le=1_000_000, description=("How many answers on short texts to keep in memory; 0 = none.")
    )
    inference_url: str = Field(
        "",
        description="Where texts are scored instead, like http://score:8000/score (`vibecheck score-server`); several, "
        "separated by spaces, take turns. The model here then only answers while none of them does.",
    )
    inference_token: SecretStr | None = Field(
        None,
        description="Token between the bot and what scores its texts, at least 16 characters; empty = `vibecheck "
        "score-server` only listens to this machine.",
    )
    inference_token_file: Path | None = Field(None, description="A file with it instead.")
    admin_guild: int = Field(0, ge=0, description="Id of the server where the bot's owner gets /model; 0 = nowhere.")
    data_dir: Path = Field(
        default_factory=default_data_dir,
        description="Where the bot keeps its files; empty = this account's folder for data, or data here if it has "
        "files in it or there's a .env here.",
    )
    database_url: SecretStr | None = Field(
        None,
        description=(
            "A PostgreSQL database, like postgresql://name:password@host/database; empty = a file in DATA_DIR."
        ),
    )
    database_url_file: Path | None = Field(None, description="A file with it instead.")
    cluster: str = Field(
        "",
        description="Which part of the servers this process serves when several share a PostgreSQL, like 0/4 for the "
        "first of four; empty = all of them.",
    )
    hash_key: SecretStr | None = Field(
        None,
        description=("The secret that scrambles people's ids; empty = the bot makes one and keeps it in DATA_DIR."),
    )
    hash_key_file: Path | None = Field(None, description="A file with it instead.")
    retention_days: int = Field(
        7,
        ge=1,
        le=30,
        description=("How many days to keep scores of single messages, 1 to 30; after that only hourly totals."),
    )
    catch_up: int = Field(
        24,
        ge=0,
        le=168,
        description="How many hours of missed messages to read after the bot was offline, up to 168; 0 = none.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="How much to log.")
    log_format: Literal["text", "json"] = Field(
        "text", description="Format of the log: text for people, json for log collectors."
    )
    web_host: str = Field("127.0.0.1", description="Address the web page listens on; 0.0.0.0 = every network.")
    web_port: int = Field(0, ge=0, le=65535, description="Port of a web page beside the bot; 0 = no page.")
    web_share: bool = Field(False, description="Whether the page also gets a public address at gradio.live.")
    web_token: SecretStr | None = Field(
        None,
        description=(
            "Token that visitors of the page must enter, at least 16 characters; empty = only this machine can open it."
        ),
    )
    web_token_file: Path | None = Field(None, description="A file with it instead.")
    web_open: bool = Field(False, description="Whether anyone who can reach the page may use it, without a token.")
    web_models: str = Field(
        "", description="Models, separated by spaces, that visitors may compare with the bot's own."
    )
    metrics_host: str = Field("127.0.0.1", description="Address for health checks and metrics.")
    metrics_port: int = Field(
        0,
        ge=0,
        le=65535,
        description=("Port for health checks and metrics (/livez, /healthz, /readyz, /metrics); 0 = none."),
    )
    source_url: str = Field("", description="Link to the source code, shown by /about.")
    support_url: str = Field("", description="Link to a support server or page, shown by /about.")
    privacy_url: str = Field(
        "", description="Link to your privacy policy, shown by /about; empty = the one in the source code."
    )
    help_url: str = Field(
        "https://findahelpline.com",
        description="Link to help lines, shown instead of a rating when someone may be in danger; none = no link.",
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
                raise SettingsError(f"{name.upper()} and {name.upper()}_FILE are both set. Remove one of them.")
            values[name] = secret_in(Path(file), f"{name.upper()}_FILE")
        return values

    @model_validator(mode="after")
    def _clusters_share_a_server(self) -> Self:
        """A file is for one process. Raises SettingsError."""
        shared = self.database_url is not None and self.database_url.get_secret_value().strip()
        if self.cluster and not shared:
            raise SettingsError(
                "CLUSTER needs a PostgreSQL that all processes share: set DATABASE_URL (`vibecheck move-store "
                "--to-postgres` takes along what there is), or leave CLUSTER empty to serve all servers by one process."
            )
        return self

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("model")
    @classmethod
    def _is_one_or_two(cls, value: str) -> str:
        if "+" not in value:
            return value
        from model.checkpoints.joint import sources_in
        from model.errors import CheckpointNotFound

        try:
            return "+".join(sources_in(value))
        except CheckpointNotFound:
            raise ValueError("two models are joined by one +, like bundled+multilingual") from None

    @field_validator("cluster")
    @classmethod
    def _is_one_of_several(cls, value: str) -> str:
        number, _, of = value.strip().partition("/")
        if value.strip() and not (number.isdecimal() and of.isdecimal() and int(number) < int(of) <= _MOST_CLUSTERS):
            raise ValueError("it must be like 0/4, and the last of four is 3/4")
        return value.strip()

    @field_validator("web_token", "inference_token")
    @classmethod
    def _is_hard_to_guess(cls, value: SecretStr | None) -> SecretStr | None:
        secret = "" if value is None else value.get_secret_value()
        if value is not None and (len(secret) < _SHORTEST_TOKEN or len(set(secret)) < _FEWEST_CHARACTERS):
            raise ValueError(f"it must have at least {_SHORTEST_TOKEN} characters and not repeat a few")
        return value

    @field_validator("inference_token")
    @classmethod
    def _fits_a_header(cls, value: SecretStr | None) -> SecretStr | None:
        secret = "" if value is None else value.get_secret_value()
        if " " in secret or not (secret.isascii() and (not secret or secret.isprintable())):
            raise ValueError("it must be of ASCII letters, digits and signs, without spaces")
        return value

    @field_validator("inference_url")
    @classmethod
    def _are_addresses_of_servers(cls, value: str) -> str:
        """Each with the path of the one route; a name and a password have no place in it."""
        found = []
        for url in value.split():
            parts = urlsplit(url)
            if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.port == 0:
                raise ValueError("it must be like http://score:8000/score")
            found.append(urlunsplit(parts._replace(path="/score" if parts.path in {"", "/"} else parts.path)))
        return " ".join(found)

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

    @property
    def scores_elsewhere(self) -> bool:
        """Whether texts leave this machine to be scored."""
        return any(not is_local(urlsplit(url).hostname or "") for url in self.inference_url.split())


def is_local(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.casefold() == "localhost"


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
            shown = f"an unknown setting {name}" if _LIKE_A_NAME.fullmatch(name) else "a line that isn't a setting"
            raise SettingsError(f"{file} has {shown}. The known settings are {known}.") from None
        raise SettingsError(
            f"The setting {name} can't be used: {first['msg'].removeprefix('Value error, ')}."
        ) from None
    except UnicodeDecodeError:
        raise SettingsError(f"{file} isn't UTF-8 text. Save it again as UTF-8.") from None
    except OSError as error:
        raise SettingsError(f"I can't read {file} ({error.strerror}).") from None

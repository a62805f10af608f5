"""Recipes: every number of a training phase in one TOML file; an unknown key is an error."""

from __future__ import annotations

import math
import tomllib
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from model.verdict import SENTIMENTS
from training.errors import RecipeError

SCHEDULES = ("linear", "cosine", "constant", "constant_with_warmup")
"""Learning rates over time, as `transformers` names them."""

RECIPES = Path(__file__).parent / "recipes"


@dataclass(frozen=True, slots=True)
class Source:
    """One data set in the mixture: its name in `training.data`, how many rows (0: all) and how often."""

    name: str
    rows: int = 0
    repeat: int = 1

    def __post_init__(self) -> None:
        """Raises RecipeError for numbers that choose nothing."""
        if self.rows < 0 or self.repeat < 1:
            raise RecipeError(f"{self.name}: rows must be at least 0 and repeat at least 1.")


@dataclass(frozen=True, slots=True)
class Recipe:
    """The hyperparameters of one phase.

    `max_length` is in tokens, specials included. `keep` says which part of a longer training text is kept: "head", or
    "head_tail" (half from each end; Sun et al. 2019, arXiv:1905.05583). `attention_dropout` above 0 leaves the fast
    attention kernel on a CPU. `head_rate` multiplies the learning rate of the classification head.
    """

    phase: str
    sources: tuple[Source, ...]
    labels: tuple[str, ...]
    learning_rate: float = 2e-5
    head_rate: float = 1.0
    batch_size: int = 16
    epochs: float = 3.0
    weight_decay: float = 0.01
    warmup: float = 0.0
    schedule: str = "linear"
    max_length: int = 512
    keep: str = "head"
    dropout: float = 0.1
    attention_dropout: float = 0.0
    label_smoothing: float = 0.0
    class_weights: tuple[float, ...] = ()
    validation_share: float = 0.1
    seed: int = 42

    def __post_init__(self) -> None:
        """Raises RecipeError for a value that cannot train anything."""
        if self.phase not in ("imdb", "slang"):
            raise RecipeError(f'phase must be "imdb" or "slang", not "{self.phase}".')
        if self.keep not in ("head", "head_tail"):
            raise RecipeError(f'keep must be "head" or "head_tail", not "{self.keep}".')
        if not 8 <= self.max_length <= 512:
            raise RecipeError(f"max_length must be 8 to 512 tokens, not {self.max_length}.")
        if self.batch_size < 1 or self.epochs <= 0 or self.learning_rate <= 0:
            raise RecipeError("batch_size, epochs and learning_rate must be above 0.")
        if len(self.labels) < 2 or [label for label in SENTIMENTS if label in self.labels] != list(self.labels):
            raise RecipeError(f"labels must be two or three of {', '.join(SENTIMENTS)}, in this order.")
        if self.schedule not in SCHEDULES:
            raise RecipeError(f'schedule must be one of {", ".join(SCHEDULES)}, not "{self.schedule}".')
        for name in ("validation_share", "dropout", "attention_dropout", "label_smoothing", "warmup"):
            if not 0 <= getattr(self, name) < 1:
                raise RecipeError(f"{name} must be at least 0 and below 1, not {getattr(self, name)}.")
        if any(not isinstance(weight, (int, float)) or not 0 < weight < math.inf for weight in self.class_weights):
            raise RecipeError("class_weights must be numbers above 0.")
        if self.class_weights and len(self.class_weights) != len(self.labels):
            raise RecipeError(f"class_weights needs one weight for each of the {len(self.labels)} labels.")

    def resolved(self) -> dict[str, Any]:
        """The recipe as plain data, for the artefact's record."""
        return asdict(self)


def read_recipe(path: Path) -> Recipe:
    """Reads a recipe file.

    Raises RecipeError naming the key when one is unknown, missing or of the wrong type.
    """
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        known = ", ".join(sorted(file.stem for file in RECIPES.glob("*.toml")))
        raise RecipeError(f"There is no recipe at {path}; the bundled ones are: {known}.") from None
    except OSError as error:
        raise RecipeError(f"{path} is no recipe file: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path.name} is not valid TOML: {error}.") from None
    sources = table.pop("sources", None)
    if not isinstance(sources, list) or not sources or not all(isinstance(source, dict) for source in sources):
        raise RecipeError(f"{path.name} needs at least one [[sources]] table.")
    table["sources"] = tuple(_read_table(Source, source, f"{path.name}, sources") for source in sources)
    for key in ("labels", "class_weights"):
        if isinstance(table.get(key), list):
            table[key] = tuple(table[key])
    recipe: Recipe = _read_table(Recipe, table, path.name)
    return recipe


def recipe_path(name: str) -> Path:
    """A bundled recipe's path by its name, or the path itself when `name` is one."""
    return RECIPES / f"{name}.toml" if "/" not in name and not name.endswith(".toml") else Path(name)


def _read_table(kind: type[Any], table: dict[str, Any], where: str) -> Any:
    known = {field.name: field for field in fields(kind)}
    unknown = sorted(set(table) - set(known))
    if unknown:
        raise RecipeError(f"{where}: unknown key {unknown[0]!r}; known keys are {', '.join(known)}.")
    for key, value in table.items():
        expected = str(known[key].type)
        number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        fits = {"int": isinstance(value, int) and number, "float": number, "str": isinstance(value, str)}
        if not fits.get(expected, isinstance(value, tuple)):
            raise RecipeError(f"{where}: {key} must be {expected}, not {value!r}.")
    try:
        return kind(**table)
    except TypeError as error:
        raise RecipeError(f"{where}: {error}.") from None

"""Recipes: every number of a training phase in one TOML file; an unknown key is an error."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, ValidationError
from pydantic.dataclasses import dataclass
from pydantic_core import ErrorDetails

from model.verdict import SENTIMENTS
from training.errors import RecipeError

RECIPES = Path(__file__).parent / "recipes"

_CLOSED = ConfigDict(extra="forbid", allow_inf_nan=False)

_Whole = Annotated[int, Field(strict=True)]
"""As it is written: neither "16" nor 16.0 nor true is the number 16."""

_Number = Annotated[float, Field(strict=True)]
_Positive = Annotated[_Number, Field(gt=0)]
_Share = Annotated[_Number, Field(ge=0, lt=1)]


@dataclass(frozen=True, slots=True, config=_CLOSED)
class Source:
    """One data set in the mixture: its name in `training.data`, how many rows (0: all) and how often.

    `vary` is how many copies of each row come besides, each with an edit that changes nothing of what it says, and
    `irony` how many copies for each row of praise are marked as irony and so are blame (`training.augmentation`).
    """

    name: str
    rows: Annotated[_Whole, Field(ge=0)] = 0
    repeat: Annotated[_Whole, Field(ge=1)] = 1
    vary: Annotated[_Whole, Field(ge=0, le=8)] = 0
    irony: _Share = 0.0


@dataclass(frozen=True, slots=True, config=_CLOSED)
class Recipe:
    """The hyperparameters of one phase. Raises RecipeError, or pydantic's ValidationError, for what cannot train.

    `max_length` is in tokens, specials included. `keep` says which part of a longer training text is kept: "head", or
    "head_tail" (half from each end; Sun et al. 2019, arXiv:1905.05583). `attention_dropout` above 0 leaves the fast
    attention kernel on a CPU. `head_rate` multiplies the learning rate of the classification head. `schedule` is the
    learning rate over time, as `transformers` names it. `seed` says which rows are held out, and, where `order_seed`
    is 0, in which order the others come and, where no teacher was asked of certain ones, which rows of a source that
    gives only some; runs that are to be averaged differ in `order_seed` alone. `teacher` is a folder that
    `training.soft_labels` wrote: what it says of a row makes up `teacher_share` of what is learned of it, its label
    the rest. `rounded` computes with the weights as int8 will have them (`training.rounding`).
    """

    phase: Literal["imdb", "slang"]
    sources: Annotated[tuple[Source, ...], Field(min_length=1)]
    labels: tuple[str, ...]
    learning_rate: _Positive = 2e-5
    head_rate: Annotated[_Number, Field(ge=0)] = 1.0
    batch_size: Annotated[_Whole, Field(ge=1)] = 16
    epochs: _Positive = 3.0
    weight_decay: Annotated[_Number, Field(ge=0)] = 0.01
    warmup: _Share = 0.0
    schedule: Literal["linear", "cosine", "constant", "constant_with_warmup"] = "linear"
    max_length: Annotated[_Whole, Field(ge=8, le=512)] = 512
    keep: Literal["head", "head_tail"] = "head"
    dropout: _Share = 0.1
    attention_dropout: _Share = 0.0
    label_smoothing: _Share = 0.0
    class_weights: tuple[_Positive, ...] = ()
    validation_share: _Share = 0.1
    seed: Annotated[_Whole, Field(ge=0)] = 42
    order_seed: Annotated[_Whole, Field(ge=0)] = 0
    teacher: str = ""
    teacher_share: Annotated[_Number, Field(ge=0, le=0.5)] = 0.5
    rounded: Annotated[bool, Field(strict=True)] = False

    def __post_init__(self) -> None:
        """Raises RecipeError for labels that cannot be trained, and for weights that are not theirs."""
        if len(self.labels) < 2 or [label for label in SENTIMENTS if label in self.labels] != list(self.labels):
            raise RecipeError(f"labels must be two or three of {', '.join(SENTIMENTS)}, in this order.")
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
        raise RecipeError(f"There's no recipe at {path}; the bundled ones are: {known}.") from None
    except OSError as error:
        raise RecipeError(f"{path} isn't a recipe file: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path.name} isn't valid TOML: {error}.") from None
    try:
        return Recipe(**table)
    except ValidationError as error:
        raise RecipeError(f"{path.name}{_sentence(_first(error), table)}") from None
    except RecipeError as error:
        raise RecipeError(f"{path.name}: {error}") from None


def without_teacher(recipe: Recipe) -> Recipe:
    """The recipe for learning from labels alone: nothing of its teacher, and no rows that only a teacher labelled."""
    own = tuple(source for source in recipe.sources if not (recipe.teacher and source.name.startswith(recipe.teacher)))
    return replace(recipe, teacher="", sources=own)


def recipe_path(name: str) -> Path:
    """A bundled recipe's path by its name, or the path itself when `name` is one."""
    return RECIPES / f"{name}.toml" if "/" not in name and not name.endswith(".toml") else Path(name)


def _first(error: ValidationError) -> ErrorDetails:
    """What to say of several findings: a key that is unknown rather than the one that is missing for it."""
    found = error.errors(include_url=False)
    return min(found, key=lambda wrong: (wrong["loc"][0] != "sources", wrong["type"] != "unexpected_keyword_argument"))


def _sentence(wrong: ErrorDetails, table: dict[str, Any]) -> str:
    """What is wrong and where, to stand behind the name of the file."""
    *outer, key = wrong["loc"]
    if wrong["loc"] == ("sources",) or wrong["type"] == "dataclass_type":
        return " needs at least one [[sources]] table."
    where = ""
    kind: type[Recipe | Source] = Recipe
    match outer:
        case ["sources", int(place)]:
            source = table["sources"][place]
            where, kind = f", sources, {source.get('name') or f'number {place + 1}'}", Source
        case [name]:  # one of a list's
            where, key = f", {name}", f"number {int(key) + 1}"
    if wrong["type"] == "unexpected_keyword_argument":
        return f"{where}: unknown key {key!r}; known keys are {', '.join(field.name for field in fields(kind))}."
    if wrong["type"] == "missing":
        return f"{where}: {key} is missing."
    must = wrong["msg"].replace("Input should be", "must be").replace("valid tuple", "list")
    return f"{where}: {key} {must}, not {wrong['input']!r}."

from dataclasses import replace

import pytest
from pydantic import ValidationError

from training.errors import RecipeError
from training.recipe import RECIPES, Recipe, Source, read_recipe, recipe_path

WHOLE = """
phase = "imdb"
labels = ["negative", "positive"]

[[sources]]
name = "imdb"
"""


@pytest.fixture
def written(tmp_path):
    def write(text):
        file = tmp_path / "mine.toml"
        file.write_text(text, "utf-8")
        return file

    return write


@pytest.mark.parametrize("file", sorted(RECIPES.glob("*.toml")), ids=lambda file: file.stem)
def test_every_bundled_recipe_reads(file):
    recipe = read_recipe(file)
    assert recipe.sources
    assert recipe_path(file.stem) == file


def test_there_are_recipes_for_both_phases():
    assert {read_recipe(file).phase for file in RECIPES.glob("*.toml")} == {"imdb", "slang"}


def test_a_short_recipe_gets_the_published_defaults(written):
    recipe = read_recipe(written(WHOLE))
    assert recipe == Recipe("imdb", (Source("imdb"),), ("negative", "positive"))
    assert (recipe.learning_rate, recipe.batch_size, recipe.epochs) == (2e-5, 16, 3.0)


def test_the_resolved_recipe_holds_every_number(written):
    resolved = read_recipe(written("seed = 7\n" + WHOLE)).resolved()
    assert resolved["seed"] == 7
    assert resolved["sources"] == ({"name": "imdb", "rows": 0, "repeat": 1, "vary": 0, "irony": 0.0},)


def test_an_unknown_key_is_named_with_the_known_ones(written):
    with pytest.raises(RecipeError, match=r"mine\.toml: unknown key 'learning_rte'; known keys are .*learning_rate"):
        read_recipe(written("learning_rte = 1\n" + WHOLE))


def test_an_unknown_key_of_a_source_is_named(written):
    with pytest.raises(RecipeError, match="sources, imdb: unknown key 'row'; known keys are name, rows, repeat, vary"):
        read_recipe(written(WHOLE + "row = 5\n"))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('batch_size = "big"', "batch_size must be a valid integer, not 'big'"),
        ("batch_size = 1.5", "batch_size must be a valid integer, not 1.5"),
        ("batch_size = 16.0", "batch_size must be a valid integer, not 16.0"),
        ("batch_size = true", "batch_size must be a valid integer, not True"),
        ("epochs = true", "epochs must be a valid number, not True"),
        ("epochs = inf", "epochs must be a finite number, not inf"),
        ("seed = 1979-05-27", "seed must be a valid integer, not datetime.date"),
        ("keep = 3", "keep must be 'head' or 'head_tail', not 3"),
        ("class_weights = 1.0", "class_weights must be a list, not 1.0"),
        ("class_weights = [1.0]", "one weight for each of the 2 labels"),
        ('keep = "tail"', "not 'tail'"),
        ("max_length = 513", "max_length must be less than or equal to 512, not 513"),
        ("epochs = 0", "epochs must be greater than 0, not 0"),
        ("learning_rate = -1.0", "learning_rate must be greater than 0, not -1.0"),
        ('schedule = "stairs"', "schedule must be 'linear', 'cosine'"),
        ("validation_share = 1.5", "validation_share must be less than 1, not 1.5"),
        ("dropout = -0.1", "dropout must be greater than or equal to 0, not -0.1"),
        ('class_weights = ["a", "b"]', "class_weights: number 1 must be a valid number, not 'a'"),
        ("class_weights = [1.0, 0.0]", "class_weights: number 2 must be greater than 0"),
    ],
)
def test_a_value_that_does_not_fit_is_named(written, line, message):
    with pytest.raises(RecipeError, match=message) as refusal:
        read_recipe(written(f"{line}\n{WHOLE}"))
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("change", [{"epochs": "3"}, {"keep": "tail"}, {"labels": ("positive", "negative")}])
def test_a_recipe_made_in_a_program_is_checked_as_well(change):
    with pytest.raises((RecipeError, ValidationError), match=next(iter(change))):
        replace(Recipe("imdb", (Source("imdb"),), ("negative", "positive")), **change)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("phase = ", "isn't valid TOML"),
        ('phase = "imdb"\nlabels = ["negative"]', "at least one"),
        (WHOLE.replace('phase = "imdb"', ""), "phase is missing"),
        (WHOLE.replace("phase", "phas"), "unknown key 'phas'"),
        ("epochs = 3", "at least one"),
        ("sources = [1]", "at least one"),
        (WHOLE.replace('phase = "imdb"', 'phase = "tweets"'), "phase must be 'imdb' or 'slang', not 'tweets'"),
        (WHOLE.replace('name = "imdb"', "rows = 3"), "sources, number 1: name is missing"),
        (WHOLE.replace('"negative", "positive"', "1, 2"), "labels: number 1 must be a valid string, not 1"),
        (WHOLE.partition("[[")[0] + "sources = []", "at least one"),
        (WHOLE + "repeat = 0", "sources, imdb: repeat must be greater than or equal to 1, not 0"),
        (WHOLE + "rows = -5", "sources, imdb: rows must be greater than or equal to 0, not -5"),
        (WHOLE.replace('"negative", "positive"', '"happy", "sad"'), "two or three of negative, neutral, positive"),
        (WHOLE.replace('"negative", "positive"', '"positive", "negative"'), "in this order"),
    ],
)
def test_a_recipe_that_is_not_whole_says_what_it_lacks(written, text, message):
    with pytest.raises(RecipeError, match=message):
        read_recipe(written(text))


def test_a_missing_recipe_lists_the_bundled_ones():
    with pytest.raises(
        RecipeError,
        match="are: chat, chat-hub, imdb, imdb-compact, imdb-taught, more, more-taught, multilingual, settle, slang, "
        "slang-classic",
    ):
        read_recipe(recipe_path("imbd"))


def test_a_recipe_may_be_given_by_path(tmp_path):
    assert recipe_path("runs/mine.toml").as_posix() == "runs/mine.toml"
    assert recipe_path("mine.toml").as_posix() == "mine.toml"

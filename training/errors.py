"""Errors a person at the command line can act on; each is one sentence."""


class TrainingError(Exception):
    """Training cannot go on; the message says why and what to do."""


class RecipeError(TrainingError):
    """A recipe file has an unknown key, a wrong type or a value out of range."""


class DataError(TrainingError):
    """A data set is missing or lacks a column."""


class ExportRefused(TrainingError):
    """The exported model does not say the same as the one it was made from."""


class PublishError(TrainingError):
    """Nothing, or not everything, could be brought to the hub."""


class SavingFailed(TrainingError):
    """A checkpoint could not be written; earlier ones are as they were."""


class Interrupted(TrainingError):
    """Somebody pressed Ctrl-C; the same command goes on."""

"""One training phase: a recipe and a base in, a fine-tuned checkpoint folder out."""

from __future__ import annotations

import json
import logging
import platform
import shutil
import tempfile
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import datasets
import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from torch import nn
from transformers import (
    AutoTokenizer,
    DataCollatorWithPadding,
    DistilBertForSequenceClassification,
    EarlyStoppingCallback,
    PreTrainedTokenizerBase,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
    set_seed,
)
from transformers.trainer_utils import EvalPrediction

from training.base import history_of_base, load_base, trained_network
from training.calibration import expected_calibration_error, fit_temperature, softmax
from training.checkpointing import RECORD, explained, last_state, whole_folder
from training.data import fingerprint, split_validation
from training.errors import DataError
from training.mixture import load_mixture, read_soft_labels
from training.recipe import Recipe
from training.rounding import keep_rounded, train_rounded

_log = logging.getLogger(__name__)

LABEL_IDS = {"negative": 0, "neutral": 1, "positive": 2}


@dataclass(frozen=True, slots=True)
class PhaseResult:
    """Where the checkpoint lies and what it scored on the held-out rows."""

    folder: Path
    metrics: dict[str, float]


def run_phase(
    recipe: Recipe,
    base: str,
    data: Path | None,
    output: Path,
    *,
    max_rows: int = 0,
    without: Collection[str] = (),
) -> PhaseResult:
    """Trains one phase and writes the best epoch's checkpoint, by validation loss, to `output`.

    An interrupted run of the same recipe, base and data goes on from its last saved state in `output/trainer`, which
    is removed at the end. `max_rows` shortens the training set for a quick run; `without` are terms that our own
    sentences are left out for (`load_mixture`). Raises TrainingError (its subclasses) for data or a base that cannot be
    had, a label that no text has, a disk that is full, and Ctrl-C; `output` then holds what it held before.
    """
    set_seed(recipe.order_seed or recipe.seed)
    started = time.perf_counter()
    taught = read_soft_labels(Path(recipe.teacher), recipe.teacher_share) if recipe.teacher else None
    mixture = load_mixture(
        recipe.sources,
        data,
        recipe.seed,
        without,
        recipe.validation_share,
        taught=taught,
        copied=not max_rows,
        drawn=0 if taught else recipe.order_seed,  # a teacher was asked of certain rows
    )
    rows = _of_labels(mixture.rows, recipe.labels)
    if others := len(mixture.rows) - len(rows):
        _log.warning("%s rows have a label that this phase doesn't have; they are left out.", f"{others:,}")
    if max_rows:
        rows = rows.shuffle(seed=recipe.seed).select(range(min(max_rows, len(rows))))
    parts = split_validation(_with_targets(rows, recipe.labels), recipe.validation_share, recipe.seed)
    if len(copies := _of_labels(mixture.copies, recipe.labels)):
        parts["train"] = datasets.concatenate_datasets([parts["train"], _with_targets(copies, recipe.labels)])
    if min(len(parts["train"]), len(parts["validation"])) == 0:
        raise DataError(
            f"{len(rows)} rows are too few to train on and hold out {recipe.validation_share:.0%} of: {mixture.account}"
            f"{f'; {others:,} have a label that this phase lacks' if others else ''}."
        )
    if unseen := set(recipe.labels) - {recipe.labels[np.argmax(shares)] for shares in parts["train"]["labels"][:]}:
        raise DataError(f"No text to train on is labelled {min(unseen)}; add a source that has some.")
    model, tokenizer = load_base(
        base, recipe.labels, dropout=recipe.dropout, attention_dropout=recipe.attention_dropout
    )
    if recipe.rounded:
        train_rounded(model)
    encoded = {name: encode(part, tokenizer, recipe) for name, part in parts.items()}
    trainer = PhaseTrainer(
        recipe,
        model=model,
        args=training_arguments(recipe, output / "trainer", len(encoded["train"])),
        train_dataset=encoded["train"],
        eval_dataset=encoded["validation"],
        data_collator=DataCollatorWithPadding(tokenizer, pad_to_multiple_of=16),
        compute_metrics=_metrics,
        processing_class=tokenizer,
        callbacks=[EarlyStoppingCallback(early_stopping_patience=1), _SaveOften()] if recipe.epochs > 1 else [],
    )
    record: dict[str, Any] = {
        "phase": recipe.phase,
        "recipe": recipe.resolved(),
        "base": Path(base).name if Path(base).is_dir() else base,
        "base_training": history_of_base(base) or None,
        "rows": {name: len(part) for name, part in parts.items()},
        "sources": mixture.counts,
        "other_labels": others,
        **({"without_terms": sorted(without)} if without else {}),
        **({"max_rows": max_rows} if max_rows else {}),
        "data": {name: fingerprint(part) for name, part in parts.items()},
        "versions": versions(),
    }
    with explained(output):
        trainer.train(resume_from_checkpoint=last_state(output / "trainer", record))
        network = cast(DistilBertForSequenceClassification, trainer.model)
        if recipe.rounded:
            keep_rounded(network)
        logits, labels = _arrays(trainer.predict(encoded["validation"], metric_key_prefix="validation"))
        temperature = fit_temperature(logits, labels)
        metrics = {
            "validation_accuracy": float((logits.argmax(-1) == labels).mean()),
            "validation_macro_recall": macro_recall(logits, labels),
            "validation_ece": expected_calibration_error(softmax(logits / temperature), labels),
            "seconds": round(time.perf_counter() - started, 1),
        }
        network.config.calibration_temperature = temperature
        network.config.calibration_register = None  # the base's, if it has one, is of other weights
        record |= {"temperature": temperature, "metrics": metrics}
        with whole_folder(output) as folder:
            trainer.save_model(str(folder))
            (folder / RECORD).write_text(json.dumps(record, indent=2) + "\n", "utf-8")
        shutil.rmtree(output / "trainer")
    return PhaseResult(output, metrics)


def encode(rows: datasets.Dataset, tokenizer: PreTrainedTokenizerBase, recipe: Recipe) -> datasets.Dataset:
    """Token ids of at most `recipe.max_length`, with their length for grouping."""
    room = recipe.max_length - 2
    tail = room // 2 if recipe.keep == "head_tail" else 0

    def tokenise(batch: dict[str, list[Any]]) -> dict[str, list[Any]]:
        ids = tokenizer(batch["text"], add_special_tokens=False, verbose=False)["input_ids"]
        kept = [row if len(row) <= room else row[: room - tail] + row[len(row) - tail :] for row in ids]
        full = [[tokenizer.cls_token_id, *row, tokenizer.sep_token_id] for row in kept]
        return {"input_ids": full, "length": [len(row) for row in full]}

    encoded = rows.map(tokenise, batched=True, desc="tokenising")
    return encoded.select_columns(["input_ids", "length", "labels"])


def read_network(checkpoint: Path, recipe: Recipe, texts: Sequence[str]) -> NDArray[np.float32]:
    """Logits of a checkpoint for texts cut as the recipe cuts them, shape (n, labels), in the order of the texts."""
    network = trained_network(checkpoint)
    tokenizer = AutoTokenizer.from_pretrained(str(checkpoint))
    encoded = encode(datasets.Dataset.from_dict({"text": list(texts), "labels": [0] * len(texts)}), tokenizer, recipe)
    order = np.argsort(encoded["length"][:], kind="stable")[::-1]
    with tempfile.TemporaryDirectory() as scratch:
        trainer = Trainer(
            network,
            TrainingArguments(
                output_dir=scratch,
                per_device_eval_batch_size=64,
                bf16=_has_bf16(),
                fp16=_has_fp16(),
                use_cpu=not torch.cuda.is_available(),
                report_to=[],
            ),
            data_collator=DataCollatorWithPadding(tokenizer, pad_to_multiple_of=16),
        )
        predicted = trainer.predict(encoded.select(order).remove_columns(["length", "labels"])).predictions
    logits = np.empty(np.shape(predicted), np.float32)
    logits[order] = predicted
    return logits


def training_arguments(recipe: Recipe, folder: Path, rows: int) -> TrainingArguments:
    """Trainer settings: bf16 where the processor or GPU has it, one evaluation an epoch, the best epoch kept."""
    steps = max(1, rows // recipe.batch_size)
    save_every = max(50, min(500, steps // 4))
    several_epochs = recipe.epochs > 1
    return TrainingArguments(
        output_dir=str(folder),
        learning_rate=recipe.learning_rate,
        per_device_train_batch_size=recipe.batch_size,
        per_device_eval_batch_size=64,
        num_train_epochs=recipe.epochs,
        weight_decay=recipe.weight_decay,
        warmup_steps=int(recipe.warmup * steps * recipe.epochs),
        lr_scheduler_type=recipe.schedule,
        train_sampling_strategy="group_by_length",
        length_column_name="length",
        bf16=_has_bf16(),
        fp16=_has_fp16(),
        use_cpu=not torch.cuda.is_available(),
        eval_strategy="epoch" if several_epochs else "no",
        save_strategy="epoch" if several_epochs else "steps",
        save_steps=save_every,
        save_total_limit=2,
        load_best_model_at_end=several_epochs,
        metric_for_best_model="loss",
        logging_steps=50,
        report_to=[],
        seed=recipe.order_seed or recipe.seed,
        data_seed=recipe.order_seed or recipe.seed,
        dataloader_pin_memory=torch.cuda.is_available(),
    )


class _SaveOften(TrainerCallback):
    """Saves within an epoch as well; `Trainer` itself only does so when it does not look for the best epoch."""

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> TrainerControl:
        """Asks for a checkpoint every `save_steps` steps."""
        control.should_save = control.should_save or state.global_step % int(args.save_steps) == 0
        return control


class PhaseTrainer(Trainer):
    """`transformers.Trainer` with the head at its own rate and a weighted, smoothed loss."""

    def __init__(self, recipe: Recipe, **kwargs: Any) -> None:
        """Takes what `Trainer` takes."""
        weight = torch.tensor(recipe.class_weights) if recipe.class_weights else None
        self._recipe = recipe
        self._loss = nn.CrossEntropyLoss(weight=weight, label_smoothing=recipe.label_smoothing)
        super().__init__(compute_loss_func=self._weighted_loss, **kwargs)

    def _weighted_loss(self, outputs: Any, labels: torch.Tensor, num_items_in_batch: Any = None) -> torch.Tensor:
        loss: torch.Tensor = self._loss.to(outputs.logits.device)(outputs.logits.float(), labels)
        return loss

    def create_optimizer(self, *_: Any, **__: Any) -> torch.optim.Optimizer:
        """AdamW; biases and LayerNorm do not decay, the head learns at `head_rate` times the body's rate."""
        if self.optimizer is None:
            network = cast(nn.Module, self.model)
            groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
            for name, parameter in network.named_parameters():
                head = name.startswith(("classifier", "pre_classifier"))
                decays = parameter.ndim > 1
                groups.setdefault((head, decays), []).append(parameter)
            rate, decay = self._recipe.learning_rate, self._recipe.weight_decay
            self.optimizer = torch.optim.AdamW(
                [
                    {
                        "params": parameters,
                        "lr": rate * (self._recipe.head_rate if head else 1.0),
                        "weight_decay": decay if decays else 0.0,
                    }
                    for (head, decays), parameters in groups.items()
                ],
                lr=rate,
                fused=True,
            )
        return self.optimizer


def macro_recall(logits: np.ndarray, labels: np.ndarray) -> float:
    """Mean over the classes present of the share of their rows that were found, in [0, 1]."""
    found = logits.argmax(-1)
    return float(np.mean([(found[labels == label] == label).mean() for label in np.unique(labels)]))


def versions() -> dict[str, str]:
    """What a run was made with."""
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "datasets": datasets.__version__,
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
    }


def _of_labels(rows: datasets.Dataset, labels: tuple[str, ...]) -> datasets.Dataset:
    """The rows whose label the phase has."""
    wanted = {LABEL_IDS[label] for label in labels}
    return rows.filter(
        lambda given: [label in wanted for label in given],
        input_columns="label3",
        batched=True,
        desc="labels of this phase",
    )


def _with_targets(rows: datasets.Dataset, labels: tuple[str, ...]) -> datasets.Dataset:
    """The rows with `labels`: the probability of each of the phase's labels."""
    wanted = [LABEL_IDS[label] for label in labels]

    def targets(batch: dict[str, list[Any]]) -> dict[str, list[list[float]]]:
        chosen = [[shares[label] for label in wanted] for shares in batch["probabilities"]]
        return {"labels": [[share / sum(row) for share in row] for row in chosen]}

    return rows.map(targets, batched=True, desc="targets")


def _metrics(prediction: EvalPrediction) -> dict[str, float]:
    logits, labels = _arrays(prediction)
    return {"accuracy": float((logits.argmax(-1) == labels).mean()), "macro_recall": macro_recall(logits, labels)}


def _arrays(prediction: Any) -> tuple[np.ndarray, np.ndarray]:
    logits = prediction.predictions[0] if isinstance(prediction.predictions, tuple) else prediction.predictions
    return np.asarray(logits, dtype=np.float64), np.asarray(prediction.label_ids).argmax(-1)


def _has_fp16() -> bool:
    """A GPU without bf16, such as Colab's T4, has fp16."""
    return torch.cuda.is_available() and not _has_bf16()


def _has_bf16() -> bool:
    """Native bf16 on the GPU, or AVX-512 BF16 or AMX on the CPU; elsewhere it would only be slower."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))

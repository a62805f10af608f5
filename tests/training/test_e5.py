"""The base for many languages: its four bits become floats, its pieces WordPiece's, its encoder a DistilBERT."""

import json
import struct

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer

from model.text.tokenization import Reader
from training import e5
from training.base import load_base
from training.errors import TrainingError

THREE = ("negative", "neutral", "positive")
WIDTH, INNER, HEADS, LAYERS, POSITIONS = 32, 64, 2, 2, 16
PIECES = [
    "<s>",
    "<pad>",
    "</s>",
    "<unk>",
    ",",
    "\u2581",
    "\u2581hola",
    "\u2581ho",
    "la",
    "\u2581Hola",
    "a",
    "\u2581\u0131",
    "\u2581a!b",
    "<mask>",
]


def halves(rng, rows, columns):
    """A matrix in four bits, as the package has it, and as floats."""
    blocks = columns // 32
    scales = rng.uniform(0.01, 0.1, (rows, blocks)).astype("<f2")
    values = rng.integers(0, 16, (rows, blocks, 32)).astype(np.uint8)
    packed = np.empty((rows, blocks), dtype=[("scale", "<f2"), ("nibbles", "u1", (16,))])
    packed["scale"] = scales
    packed["nibbles"] = values[..., :16] | values[..., 16:] << 4
    floats = (values.astype(np.float32) - 8) * scales.astype(np.float32)[..., None]
    return packed.tobytes(), floats.reshape(rows, columns)


def tensors(rng):
    """What the package holds: names, bytes, and the floats that they stand for."""
    named: dict[str, tuple[int, ...]] = {
        "emb.word": (len(PIECES), WIDTH),
        "emb.pos": (POSITIONS, WIDTH),
        "emb.type": (1, WIDTH),
    }
    named |= {"emb.ln.w": (WIDTH,), "emb.ln.b": (WIDTH,)}
    for layer in range(LAYERS):
        for name in ("q", "k", "v", "ao"):
            named |= {f"l{layer}.{name}.w": (WIDTH, WIDTH), f"l{layer}.{name}.b": (WIDTH,)}
        for name in ("aln", "oln"):
            named |= {f"l{layer}.{name}.w": (WIDTH,), f"l{layer}.{name}.b": (WIDTH,)}
        named |= {f"l{layer}.fi.w": (INNER, WIDTH), f"l{layer}.fi.b": (INNER,)}
        named |= {f"l{layer}.fo.w": (WIDTH, INNER), f"l{layer}.fo.b": (WIDTH,)}
    floats = ("emb.pos", "emb.type")
    for name, shape in named.items():
        if len(shape) == 2 and name not in floats:
            yield name, *halves(rng, *shape)
        else:
            values = rng.normal(0, 0.1, shape).astype("<f4")
            yield name, values.tobytes(), values


@pytest.fixture
def packed(tmp_path):
    """A small file as the package has it, and what it holds as floats."""
    held = list(tensors(np.random.default_rng(3)))
    text = [piece.encode() for piece in PIECES]
    head = b"E5S1" + struct.pack("<I7ifi", 1, WIDTH, LAYERS, HEADS, INNER, len(PIECES), POSITIONS, 1, 1e-12, 32)
    head += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, sum(map(len, text)))
    head += np.cumsum([0, *map(len, text)]).astype("<u4").tobytes() + np.zeros(len(text), "<f4").tobytes()
    head += b"".join(text) + struct.pack("<iI", 0, 0) + struct.pack("<i", len(held))
    listed = sum(2 + len(name) + 1 + 4 + 8 + 8 for name, _, _ in held)
    at, directory, data = len(head) + listed, b"", b""
    for name, content, _ in held:
        directory += (
            struct.pack("<H", len(name)) + name.encode() + struct.pack("<BIQQ", 0, 0, at + len(data), len(content))
        )
        data += content
    file = tmp_path / "e5-small-q4.bin"
    file.write_bytes(head + directory + data)
    return file, {name: values for name, _, values in held}


def test_numbers_of_four_bits_become_floats(packed):
    file, held = packed
    read = e5.read_packed(file)
    assert (read.width, read.layers, read.heads, read.inner, read.positions) == (WIDTH, LAYERS, HEADS, INNER, POSITIONS)
    assert list(read.pieces) == PIECES
    np.testing.assert_array_equal(read.matrix("l1.fo.w", WIDTH, INNER), held["l1.fo.w"])
    np.testing.assert_array_equal(read.matrix("emb.word", len(PIECES), WIDTH, [6, 2]), held["emb.word"][[6, 2]])
    np.testing.assert_array_equal(read.floats("emb.pos", POSITIONS, WIDTH), held["emb.pos"])


def test_pieces_are_named_as_wordpiece_does(packed):
    named = e5.named_pieces(e5.read_packed(packed[0]))
    assert named["hola"] == 6
    assert named["##la"] == 8
    assert {"Hola", "hola!", "a!b", "", "##"}.isdisjoint(named)
    assert named["a"] == named["##a"] == 10, "a letter is there both ways"
    assert named["\u0131"] == named["##\u0131"] == 11
    assert named[","] == named["##,"] == 4, "signs are words of their own"


def test_the_base_is_a_distilbert_that_our_reader_reads(packed, tmp_path, monkeypatch):
    file, held = packed
    words = tmp_path / "vocabulary.txt"
    words.write_text("hola\nho\n##la\na\n##a\n,\n", "utf-8")
    monkeypatch.setattr(e5, "VOCABULARY", words)
    folder = e5.unpack_e5(tmp_path / "runs" / "e5", file)
    model, tokenizer = load_base(str(folder), THREE, dropout=0.0, attention_dropout=0.0)
    embedded = model.distilbert.embeddings.word_embeddings.weight.detach().numpy()
    np.testing.assert_array_equal(embedded[tokenizer.convert_tokens_to_ids("hola")], held["emb.word"][6])
    np.testing.assert_array_equal(embedded[tokenizer.cls_token_id], held["emb.word"][0])
    places = model.distilbert.embeddings.position_embeddings.weight.detach().numpy()
    np.testing.assert_allclose(places, held["emb.pos"] + held["emb.type"])
    weights = {name: value.numpy() for name, value in model.state_dict().items()}
    second = "distilbert.transformer.layer.1"
    np.testing.assert_array_equal(weights[f"{second}.ffn.lin2.weight"], held["l1.fo.w"])
    np.testing.assert_array_equal(weights[f"{second}.attention.out_lin.bias"], held["l1.ao.b"])
    rows = Reader((folder / "tokenizer.json").read_bytes(), POSITIONS).read("HOLA, hoa")
    assert tokenizer.convert_ids_to_tokens(rows[0]) == ["[CLS]", "hola", ",", "ho", "##a", "[SEP]"]
    assert AutoTokenizer.from_pretrained(folder)("HOLA, hoa").input_ids == rows[0]
    with torch.inference_mode():
        assert torch.isfinite(model(input_ids=torch.tensor(rows)).logits).all()
    first = (folder / "config.json").stat().st_mtime_ns
    assert (e5.unpack_e5(folder, file) / "config.json").stat().st_mtime_ns == first, "made once"


def test_a_vocabulary_that_the_base_lacks_is_refused(packed, tmp_path, monkeypatch):
    words = tmp_path / "vocabulary.txt"
    words.write_text("hola\nadi\u00f3s\n", "utf-8")
    monkeypatch.setattr(e5, "VOCABULARY", words)
    with pytest.raises(TrainingError, match="has pieces that the base lacks, such as 'adi\u00f3s'"):
        e5.unpack_e5(tmp_path / "runs" / "e5", packed[0])


@pytest.mark.parametrize("content", [b"", b"E5S1", b"E5S1" + bytes(60), b"PK\x03\x04" + bytes(200)])
def test_another_file_is_refused(content, tmp_path):
    file = tmp_path / "e5-small-q4.bin"
    file.write_bytes(content)
    with pytest.raises(TrainingError, match="isn't the multilingual base"):
        e5.read_packed(file)


def test_a_base_that_is_not_installed_names_its_extra(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(TrainingError, match=r'needs the extra "multilingual"'):
        e5.packed_file()


def test_the_vocabulary_reads_letters_of_all_its_languages():
    pieces = set(e5.VOCABULARY.read_text("utf-8").splitlines())
    for letter in "abcdefghijklmnopqrstuvwxyzñáéíóúüãõçàâêëîïôùûœäößşğąćęłńóśźż0123456789\u0131":
        assert {letter, f"##{letter}"} <= pieces, letter
    assert "##\u0307" in pieces, "what is left of a Turkish capital in small letters"
    assert json.dumps(e5.tokenizer_of([*e5.SPECIAL, *sorted(pieces)]))

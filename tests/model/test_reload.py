"""A model is changed while it answers: nothing is lost, nothing is mixed, and what is bad is refused."""

import asyncio
import gc
import json
import shutil
import threading
import weakref
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from model import model_manager as manager_module
from model.acceptance import Example
from model.backends.base import InTurn
from model.backends.engine import Engine, load_engine
from model.checkpoints.checkpoint import MANIFEST, Checkpoint, artefact_version, file_sha256
from model.classifier import Classifier
from model.errors import CheckpointError, CheckpointNotFound, ClassifierClosed, ModelError, ReloadRefused
from model.scheduling.request import Priority
from model.text.tokenization import Reader
from model.verdict import SENTIMENTS
from tests.model.conftest import TOKENIZER, mood_text
from tests.model.long_texts import varied

PATIENCE = 60


@dataclass
class NumberedBackend(InTurn):
    """Says its own number with every answer, in the first logit, and notices rows that another's reader read."""

    number: int
    name: str = "numbered"
    device: str = "cpu"
    batches: int = 0
    hold: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self):
        self.hold.set()

    def predict(self, batch):
        assert self.hold.wait(PATIENCE)
        self.batches += 1
        return np.array([[0.0, 0.0, float(self.number)]] * len(batch), dtype=np.float32)


@pytest.fixture
def make(tmp_path):
    """Makes an engine for a source "v0", "v1", ...; `make.backends` are those made so far."""

    def make(source):
        if source == "nothing":
            raise CheckpointNotFound('There is no model at "nothing".')
        backend = NumberedBackend(int(source[1:]))
        make.backends.append(backend)
        checkpoint = Checkpoint(source, tmp_path, tmp_path / "model.onnx", SENTIMENTS, source)
        return Engine(checkpoint, Reader(TOKENIZER, 512), backend)

    make.backends = []
    return make


@pytest.fixture
def start(make, monkeypatch):
    """A classifier whose models are made by `make`; they are compared on nothing, for they know no sentiment."""
    monkeypatch.setattr(manager_module, "plain_examples", list)
    return lambda **options: Classifier.start(partial(make, "v0"), reload=make, **options)


async def test_a_reloaded_model_answers_from_then_on(start):
    async with await start() as classifier:
        assert (await classifier.classify("hello")).model == "v0"
        change = await classifier.reload("v1")
        assert (await classifier.classify("hello")).model == "v1"
        assert (change.before.version, change.now.version, classifier.info.version) == ("v0", "v1", "v1")


async def test_a_reload_without_a_source_loads_the_same_again(start, make):
    async with await start() as classifier:
        await classifier.reload()
        assert classifier.info.source == "v0"
    assert len(make.backends) == 2


async def test_two_hundred_reloads_under_load_lose_and_mix_nothing(start, make):
    async with await start(cache=64) as classifier:
        stop, models, long = False, [], varied("text", 700)

        async def ask(number):
            while not stop:
                verdict = await classifier.classify(long if number == 0 else f"text {number}")
                models.append(verdict.model)
                # Each backend's own number decides the answer, so an answer of one under the name of another shows.
                assert verdict.probabilities[2] == pytest.approx(positive_of(int(verdict.model[1:])), abs=1e-6)

        calls = [asyncio.create_task(ask(number)) for number in range(20)]
        for number in range(1, 201):
            await classifier.reload(f"v{number % 7 + 1}")
        stop = True
        await asyncio.wait_for(asyncio.gather(*calls), PATIENCE)
        stats = classifier.stats()
    assert (stats.failed, stats.shed, stats.queued) == (0, 0, 0)
    assert len(set(models)) > 5
    assert len(make.backends) == 201


def positive_of(number):
    return np.exp(number) / (np.exp(number) + 2)


async def test_models_that_were_replaced_twice_are_let_go(start, make):
    async with await start() as classifier:
        for number in range(1, 6):
            await classifier.reload(f"v{number}")
            await classifier.classify("hello")
        backends = [weakref.ref(backend) for backend in make.backends]
        make.backends.clear()
        await asyncio.sleep(0)
        gc.collect()
        alive = [backend().number for backend in backends if backend() is not None]
    assert alive == [4, 5]


async def test_a_text_in_hand_finishes_with_the_model_it_began_with(start, make):
    async with await start() as classifier:
        make.backends[0].hold.clear()
        first = asyncio.create_task(classifier.classify(varied("long", 1000)))
        while not classifier._worker._supervisor.current.in_hand:
            await asyncio.sleep(0.001)
        await classifier.reload("v1")
        second = asyncio.create_task(classifier.classify("short"))
        await asyncio.sleep(0)
        make.backends[0].hold.set()
        assert [(await first).model, (await second).model] == ["v0", "v1"]


async def test_a_failed_reload_changes_nothing_and_frees_the_lock(start):
    async with await start() as classifier:
        with pytest.raises(CheckpointNotFound, match="no model at"):
            await classifier.reload("nothing")
        assert (await classifier.classify("hello")).model == "v0"
        assert (await classifier.reload("v1")).now.version == "v1"


async def test_a_reload_that_is_cancelled_frees_the_lock(start, make, monkeypatch):
    go_on = threading.Event()
    async with await start() as classifier:
        monkeypatch.setattr(classifier._models, "_load", lambda source: go_on.wait(PATIENCE) and make(source))
        reload = asyncio.create_task(classifier.reload("v1"))
        await asyncio.sleep(0.01)
        reload.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reload
        go_on.set()
        assert (await classifier.reload("v2")).now.version == "v2"


async def test_a_reload_that_takes_too_long_is_given_up(start, make, monkeypatch):
    monkeypatch.setattr(manager_module, "CHANGE_SECONDS", 0.05)
    go_on = threading.Event()
    async with await start() as classifier:
        monkeypatch.setattr(classifier._models, "_load", lambda source: go_on.wait(PATIENCE) and make(source))
        with pytest.raises(ReloadRefused, match="was not ready within"):
            await classifier.reload("v1")
        go_on.set()
        assert (await classifier.classify("hello")).model == "v0"


async def test_one_change_at_a_time(start, make, monkeypatch):
    go_on = threading.Event()
    async with await start() as classifier:
        monkeypatch.setattr(classifier._models, "_load", lambda source: go_on.wait(PATIENCE) and make(source))
        reload = asyncio.create_task(classifier.reload("v1"))
        await asyncio.sleep(0.01)
        for other in (classifier.reload("v2"), classifier.rollback(), classifier.start_shadow("v2")):
            with pytest.raises(ReloadRefused, match="under way"):
                await other
        go_on.set()
        assert (await reload).now.version == "v1"


async def test_the_progress_of_a_reload_is_told(start):
    steps = []
    async with await start() as classifier:
        await classifier.reload("v1", steps.append)
    assert steps == ["loading v1", "checking its golden examples", "comparing it with the running model"]


async def test_a_rollback_brings_the_model_before_and_another_one_brings_it_back(start, make):
    async with await start() as classifier:
        with pytest.raises(ReloadRefused, match="no earlier model"):
            await classifier.rollback()
        await classifier.reload("v1")
        await classifier.rollback()
        assert (await classifier.classify("hello")).model == classifier.info.version == "v0"
        await classifier.rollback()
        assert (await classifier.classify("hello")).model == "v1"
    assert len(make.backends) == 2


async def test_after_a_change_the_model_that_is_loaded_anew_is_the_new_one(start, make, monkeypatch):
    monkeypatch.setattr("model.scheduling.supervisor.PROBE_SECONDS", 0.05)
    async with await start() as classifier:
        await classifier.reload("v1")
        monkeypatch.setattr(make.backends[-1], "predict", lambda batch: 1 / 0)
        while classifier.health().replaced == 0:
            await asyncio.sleep(0.01)
        assert (await classifier.classify("hello")).model == "v1"


# The candidates below are real artefacts on the real runtime.


@pytest.fixture
async def real(small_model, monkeypatch):
    """A classifier over the small model, which is held against plain texts of its own world."""
    examples = [Example(mood_text(number % 3, number), SENTIMENTS[number % 3], (1.0,)) for number in range(12)]
    monkeypatch.setattr(manager_module, "plain_examples", lambda: examples)
    load = partial(load_engine, device="cpu", threads=1)
    async with await Classifier.start(partial(load, str(small_model.int8)), reload=load) as classifier:
        yield classifier


async def test_a_good_artefact_is_taken_and_the_comparison_told(real, artefact):
    change = await real.reload(str(artefact))
    found = change.comparison
    assert found.texts == found.agree == 12
    assert found.candidate_right == found.running_right >= 11
    assert change.comparison.change == 0
    assert real.info.source == str(artefact)
    assert await real.golden() == (12, [])


def truncate(folder):
    file = folder / "model.onnx"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def seal(folder):
    """Makes the manifest fit the files, as somebody would who does not mean harm."""
    manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    manifest["files"] = {name: file_sha256(folder / name) for name in manifest["files"] if (folder / name).is_file()}
    manifest["version"] = artefact_version(manifest["files"], manifest["labels"], manifest["temperature"])
    (folder / MANIFEST).write_text(json.dumps(manifest), "utf-8")


def edit(**changes):
    def edit_manifest(folder):
        manifest = json.loads((folder / MANIFEST).read_text("utf-8")) | changes
        (folder / MANIFEST).write_text(json.dumps(manifest), "utf-8")
        if "labels" in changes or "temperature" in changes:
            seal(folder)

    return edit_manifest


def weights(change):
    """Changes every large float tensor of the graph and seals the artefact again."""

    def spoil(folder):
        import onnx
        from onnx import numpy_helper

        graph = onnx.load(str(folder / "model.onnx"))
        for tensor in graph.graph.initializer:
            values = numpy_helper.to_array(tensor)
            if values.dtype == np.float32 and values.ndim == 1 and len(values) >= 64:
                tensor.CopyFrom(numpy_helper.from_array(change(values.copy()), tensor.name))
        onnx.save(graph, str(folder / "model.onnx"))
        seal(folder)

    return spoil


def rename_input(folder):
    import onnx

    graph = onnx.load(str(folder / "model.onnx"))
    graph.graph.input[0].name = "tokens"
    for node in graph.graph.node:
        node.input[:] = ["tokens" if name == "input_ids" else name for name in node.input]
    onnx.save(graph, str(folder / "model.onnx"))
    seal(folder)


def other_golden(folder):
    rows = json.loads((folder / "golden.json").read_text("utf-8"))
    for row in rows:
        row["probabilities"] = row["probabilities"][::-1]
    (folder / "golden.json").write_text(json.dumps(rows), "utf-8")
    seal(folder)


def without_golden(then):
    """For a candidate that carries no golden examples; the plain texts must tell."""

    def spoil(folder):
        (folder / "golden.json").unlink()
        then(folder)
        seal(folder)

    return spoil


def write(name, content):
    return lambda folder: (folder / name).write_bytes(content)


def two_outputs_for_three_labels(folder):
    edit(labels=["negative", "positive"])(folder)


BAD = {
    "truncated": truncate,
    "empty": write("model.onnx", b""),
    "empty, sealed": lambda folder: (write("model.onnx", b"")(folder), seal(folder)),
    "truncated, sealed": lambda folder: (truncate(folder), seal(folder)),
    "not a graph": lambda folder: (write("model.onnx", b"hello" * 999)(folder), seal(folder)),
    "one byte more": lambda folder: (folder / "model.onnx").write_bytes((folder / "model.onnx").read_bytes() + b"\0"),
    "other tokenizer": write("tokenizer.json", b"{}"),
    "no tokenizer, sealed": lambda folder: ((folder / "tokenizer.json").unlink(), seal(folder)),
    "tokenizer of nothing, sealed": lambda folder: (write("tokenizer.json", b"{}")(folder), seal(folder)),
    "no weights": lambda folder: (folder / "model.onnx").unlink(),
    "no manifest, no config": lambda folder: [(folder / name).unlink() for name in (MANIFEST, "config.json")],
    "manifest of zeros": write(MANIFEST, b"\0" * 100),
    "no labels": edit(labels=[]),
    "labels of something else": edit(labels=["cat", "dog", "bird"]),
    "doubled labels": edit(labels=["negative", "negative", "positive"]),
    "two labels for three outputs": two_outputs_for_three_labels,
    "temperature of nothing": edit(temperature=0),
    "later format": edit(format=2),
    "changed after it was written": edit(version="0000000000"),
    "NaN weights": weights(lambda values: np.full_like(values, np.nan)),
    "infinite weights": weights(lambda values: np.full_like(values, np.inf)),
    "other inputs": rename_input,
    "worse than its golden examples": weights(lambda values: values[::-1]),
    "golden examples of another": other_golden,
    "broken golden examples": lambda folder: (write("golden.json", b"[1]")(folder), seal(folder)),
    "worse than the running model": without_golden(weights(np.zeros_like)),
    "turned round": without_golden(edit(labels=["positive", "neutral", "negative"])),
}


@pytest.mark.parametrize("spoil", BAD.values(), ids=BAD)
async def test_a_bad_artefact_is_refused_with_a_sentence_and_the_running_model_stays(real, artefact, spoil):
    before = real.info
    spoil(artefact)
    with pytest.raises((CheckpointError, ReloadRefused)) as refused:
        await real.reload(str(artefact))
    assert str(refused.value).rstrip().endswith((".", ")", "error", "!")) or len(str(refused.value)) > 10
    assert "Traceback" not in str(refused.value)
    assert real.info == before
    assert (await real.classify(mood_text(2, 2))).sentiment == "positive"


async def test_a_pickle_is_never_loaded(real, tmp_path):
    folder = tmp_path / "pickled"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "distilbert"}), "utf-8")
    (folder / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'echo gone'\ntR.")
    with pytest.raises(CheckpointError, match="pickle"):
        await real.reload(str(folder))


async def test_a_candidate_is_compared_with_a_running_model_that_fails(real, artefact, monkeypatch):
    monkeypatch.setattr(real._worker.engine.backend, "predict", lambda batch: 1 / 0)
    change = await real.reload(str(artefact))
    assert change.comparison.running_right <= 4  # loaded anew meanwhile
    assert change.comparison.candidate_right >= 11


async def test_a_candidate_that_hangs_in_its_check_is_given_up_and_the_lock_freed(start, make, monkeypatch):
    monkeypatch.setattr(manager_module, "CHANGE_SECONDS", 0.1)
    go_on = threading.Event()
    async with await start() as classifier:
        monkeypatch.setattr(manager_module, "check_golden", lambda engine: go_on.wait(PATIENCE))
        with pytest.raises(ReloadRefused, match="was not ready within"):
            await classifier.reload("v1")
        go_on.set()
        monkeypatch.setattr(manager_module, "CHANGE_SECONDS", PATIENCE)
        assert (await classifier.reload("v2")).now.version == "v2"


async def test_whatever_a_loader_raises_is_a_sentence(start, monkeypatch):
    async with await start() as classifier:
        monkeypatch.setattr(classifier._models, "_load", lambda source: {}[source])
        with pytest.raises(ReloadRefused, match=r"v1 cannot be loaded beside the running model \(KeyError\)"):
            await classifier.reload("v1")


async def test_after_closing_nothing_is_reloaded(start):
    classifier = await start()
    await classifier.reload("v1")
    await classifier.close()
    for change in (classifier.reload("v2"), classifier.rollback()):
        with pytest.raises(ClassifierClosed):
            await change
    assert classifier.info.version == "v1"


async def test_golden_examples_are_computed_and_not_remembered(small_model):
    load = partial(load_engine, device="cpu", threads=1)
    async with await Classifier.start(partial(load, str(small_model.int8)), reload=load, cache=1000) as classifier:
        assert await classifier.golden() == (12, [])
        predict = classifier._worker.engine.backend.predict
        classifier._worker.engine.backend.predict = lambda batch: predict(batch)[:, ::-1]
        _, failures = await classifier.golden()
    assert failures


async def test_a_model_that_is_worse_than_a_coin_is_refused_even_after_one_that_fails(real, artefact, monkeypatch):
    without_golden(weights(np.zeros_like))(artefact)
    monkeypatch.setattr(real._worker.engine.backend, "predict", lambda batch: 1 / 0)
    with pytest.raises(ReloadRefused, match="4 of 12 plain texts right"):
        await real.reload(str(artefact))


async def test_a_model_that_cannot_be_loaded_anew_gives_way_to_another(start, make, monkeypatch):
    monkeypatch.setattr("model.scheduling.supervisor.PROBE_SECONDS", 0.05)
    async with await start() as classifier:
        monkeypatch.setattr(make.backends[0], "predict", lambda batch: 1 / 0)
        monkeypatch.setattr(classifier._worker._supervisor, "load", lambda: make("nothing"))
        while classifier.health().healthy:
            await asyncio.sleep(0.01)
        assert (await asyncio.wait_for(classifier.reload("v1"), PATIENCE)).now.version == "v1"
        assert (await classifier.classify("hello")).model == "v1"
        assert classifier.health().healthy


async def test_files_that_changed_are_checked_before_they_answer(start, make, monkeypatch, caplog):
    monkeypatch.setattr("model.scheduling.supervisor.PROBE_SECONDS", 0.05)
    async with await start() as classifier:
        monkeypatch.setattr(classifier._worker._supervisor, "load", lambda: make("v5"))
        monkeypatch.setattr(make.backends[0], "predict", lambda batch: 1 / 0)
        while classifier.health().replaced == 0:
            await asyncio.sleep(0.01)
        assert (await classifier.classify("hello")).model == classifier.info.version == "v5"
    assert "model v5 answers now instead of v0" in caplog.text


# The shadow.


async def test_a_shadow_reads_passive_texts_and_answers_nobody(start):
    async with await start() as classifier:
        info = await classifier.start_shadow("v3", 0.5)
        passive = [await classifier.classify(f"text {number}", Priority.PASSIVE) for number in range(40)]
        asked = await classifier.classify("hello")
        report = await classifier.stop_shadow()
    assert {verdict.model for verdict in [*passive, asked]} == {"v0"}
    assert (info.version, report.version, report.share) == ("v3", "v3", 0.5)
    assert report.texts + report.skipped == 20
    # The live model says 1/3 positive, the candidate, so sure of itself, 0.91: they agree on nothing but the order.
    assert report.change == pytest.approx(positive_of(3) - (1 - positive_of(3)) / 2, abs=1e-3)
    assert report.seconds > 0 < report.live_seconds


async def test_a_shadow_is_promoted_and_the_live_model_stays_for_a_rollback(start):
    async with await start() as classifier:
        await classifier.start_shadow("v3")
        assert classifier.shadow_report().texts == 0
        change = await classifier.promote_shadow()
        assert (change.before.version, change.now.version) == ("v0", "v3")
        assert (await classifier.classify("hello")).model == "v3"
        assert (await classifier.rollback()).now.version == "v0"
        with pytest.raises(ReloadRefused, match="No candidate"):
            classifier.shadow_report()


async def test_a_candidate_that_is_refused_stays_in_the_shadow(real, artefact):
    without_golden(weights(np.zeros_like))(artefact)
    await real.start_shadow(str(artefact))
    before = real.info
    with pytest.raises(ReloadRefused, match="plain texts right"):
        await real.promote_shadow()
    assert real.info == before
    assert real.shadow_report().source == str(artefact)


async def test_there_is_one_shadow_at_a_time(start):
    async with await start() as classifier:
        for call in (classifier.stop_shadow, classifier.promote_shadow):
            with pytest.raises(ReloadRefused, match="No candidate"):
                await call()
        await classifier.start_shadow("v3")
        with pytest.raises(ReloadRefused, match="running already"):
            await classifier.start_shadow("v4")


@pytest.mark.parametrize("share", [0, -1, 1.01, float("nan")])
async def test_a_share_that_makes_no_sense_is_refused(start, share):
    async with await start() as classifier:
        with pytest.raises(ReloadRefused, match="share"):
            await classifier.start_shadow("v3", share)


async def test_a_shadow_that_fails_is_counted_and_the_live_model_answers(start, make, monkeypatch):
    async with await start() as classifier:
        await classifier.start_shadow("v3")
        monkeypatch.setattr(make.backends[-1], "predict", lambda batch: 1 / 0)
        assert (await classifier.classify("hello", Priority.PASSIVE)).model == "v0"
        report = await classifier.stop_shadow()
    assert (report.texts, report.skipped) == (0, 1)


async def test_a_bad_artefact_does_not_become_a_shadow(real, artefact):
    other_golden(artefact)
    with pytest.raises(ReloadRefused, match="golden"):
        await real.start_shadow(str(artefact))
    with pytest.raises(ReloadRefused, match="No candidate"):
        real.shadow_report()


async def test_closing_ends_a_shadow(start):
    classifier = await start()
    await classifier.start_shadow("v3")
    shadow = classifier._models._shadow
    await classifier.close()
    await asyncio.wait_for(asyncio.wrap_future(shadow.worker.ended), PATIENCE)


async def test_the_lock_is_free_after_every_kind_of_failure(real, artefact, tmp_path):
    for source in (str(tmp_path / "nowhere"), "org/name", str(tmp_path)):
        with pytest.raises(ModelError):
            await real.reload(source)
    shutil.copytree(artefact, tmp_path / "good")
    assert (await real.reload(str(tmp_path / "good"))).now.source == str(Path(tmp_path / "good"))


async def test_memory_of_models_that_were_dropped_is_given_back():
    given_back = []
    async with await Classifier.open(
        "bundled", after_change=lambda: given_back.append(threading.current_thread())
    ) as classifier:
        await classifier.reload()
    assert len(given_back) == 1
    assert given_back[0] is not threading.main_thread()

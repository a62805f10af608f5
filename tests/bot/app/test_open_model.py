"""Which classifier a process has: what is in it by itself, and what asks elsewhere where that is set."""

import subprocess
import sys

import pytest

from bot.app.open_model import open_classifier
from bot.app.score_server import ScoreServer
from bot.settings import Settings
from model import Classifier
from model.serving.failover_classifier import FailoverClassifier

SMALL = {"threads": 1, "batch_tokens": 1024, "backend": "onnxruntime"}
WITHOUT = """
import asyncio, sys
from bot.app import runtime
from bot.app.open_model import open_classifier
from bot.client import Vibecheck
from bot.settings import Settings
async def opened():
    await (await open_classifier(Settings(_env_file=None, threads=1, batch_tokens=1024))).close()
asyncio.run(opened())
print([name for name in sys.modules if name.startswith("model.serving") or name.partition(".")[0] == "ray"])
"""


async def test_without_an_address_it_is_the_model_here_and_nothing_of_another_is_imported(tmp_path):
    ended = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"


@pytest.mark.parametrize("token", [None, "only-of-these-tests-0123"])
async def test_with_an_address_texts_are_scored_there(tmp_path, token):
    shared = {"_env_file": None, "data_dir": tmp_path, "inference_token": token, **SMALL}
    async with await Classifier.open(threads=1, budget=1024, backend="onnxruntime") as scoring:
        server = ScoreServer(scoring, Settings(**shared))
        address = await server.start("127.0.0.1", 0)
        try:
            async with await open_classifier(Settings(**shared, inference_url=address)) as classifier:
                assert isinstance(classifier, FailoverClassifier)
                served = scoring.stats().served
                assert await classifier.classify("good") == await scoring.classify("good")
                assert scoring.stats().served == served + 2
        finally:
            await server.close()

"""Weights are learned as int8 will have them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from torch import nn

from training.quantise import quantise_weights
from training.rounding import keep_rounded, round_weights, train_rounded
from training.train import run_phase

pytestmark = pytest.mark.torch


@pytest.fixture
def network():
    torch.manual_seed(5)
    return nn.Sequential(nn.Embedding(30, 24, padding_idx=0), nn.Linear(24, 16), nn.GELU(), nn.Linear(16, 3))


IDS = torch.tensor([[3, 7, 0], [29, 1, 1]])


def test_they_are_rounded_as_the_export_rounds_them():
    weights = np.random.default_rng(2).normal(size=(40, 96)).astype(np.float32)
    values, scales = quantise_weights(weights, axis=1)
    np.testing.assert_allclose(round_weights(torch.from_numpy(weights)), values * scales, atol=1e-7)
    assert torch.equal(round_weights(torch.zeros(2, 4)), torch.zeros(2, 4))


def test_what_was_computed_with_is_what_is_kept(network):
    exact = network(IDS)
    train_rounded(network)
    rounded = network(IDS)
    assert not torch.equal(exact, rounded)
    keep_rounded(network)
    torch.testing.assert_close(network(IDS), rounded, rtol=0, atol=1e-6)
    again = {name: round_weights(value) for name, value in network.state_dict().items() if value.ndim == 2}
    for name, value in again.items():
        torch.testing.assert_close(value, network.state_dict()[name], rtol=0, atol=1e-6)


def test_the_gradient_is_that_of_the_rounded_weights_and_moves_the_exact_ones(network):
    train_rounded(network)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    network(IDS).square().sum().backward()
    moved = {name: parameter.grad for name, parameter in network.named_parameters()}
    keep_rounded(network)
    network.zero_grad()
    network(IDS).square().sum().backward()
    for name, parameter in network.named_parameters():
        torch.testing.assert_close(moved[name], parameter.grad)
        assert parameter.grad.abs().sum() > 0
    assert list(before) == list(network.state_dict())


def test_a_phase_that_says_so_writes_weights_that_int8_holds_exactly(phase, tmp_path):
    for rounded in (True, False):
        output = tmp_path / str(rounded)
        run_phase(replace(phase.recipe, rounded=rounded), str(phase.base), phase.data, output)
        weights = load_file(output / "model.safetensors")
        matrices = {name: torch.from_numpy(value) for name, value in weights.items() if "norm" not in name.lower()}
        matrices = {name: value for name, value in matrices.items() if value.ndim == 2}
        assert len(matrices) > 5
        kept = [torch.allclose(round_weights(value), value, rtol=0, atol=1e-6) for value in matrices.values()]
        assert all(kept) is rounded

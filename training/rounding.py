"""Training with the weights that int8 will have: what is learned is what is exported.

Quantisation-aware training (Jacob et al. 2018, arXiv:1712.05877) of the weights alone: each forward pass computes with
every matrix and embedding rounded as `training.quantise` rounds it, and the gradient passes straight through the
rounding (Bengio et al. 2013, arXiv:1308.3432). Nothing is lost any more when the weights are stored as int8; of
quantising only the rounding of activations is left.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import nn
from torch.nn import functional

from training.quantise import SMALLEST_RANGE, WEIGHT_LIMIT


def round_weights(weights: torch.Tensor) -> torch.Tensor:
    """`weights`, shape (rows, width), each row on 255 even steps from minus to plus its largest value.

    A row is an output channel of a matrix or an embedding. Rounding twice changes nothing more.
    """
    scales = weights.abs().amax(-1, keepdim=True).clamp_min(float(SMALLEST_RANGE)) / WEIGHT_LIMIT
    return (weights / scales).round() * scales


def train_rounded(network: nn.Module) -> None:
    """From now on every forward pass of `network` computes with rounded weights, while those it learns stay exact."""
    for module in network.modules():
        if isinstance(module, nn.Linear):
            module.forward = partial(_product, module)  # type: ignore[method-assign]
        elif isinstance(module, nn.Embedding):
            module.forward = partial(_lookup, module)  # type: ignore[method-assign]


def keep_rounded(network: nn.Module) -> None:
    """Ends `train_rounded`: the weights of `network` are those that it computed with."""
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Embedding) and "forward" in vars(module):
            del module.forward
            with torch.no_grad():
                module.weight.copy_(round_weights(module.weight))


def _straight_through(weights: torch.Tensor) -> torch.Tensor:
    """Rounded on the way forward; on the way back as if it weren't."""
    return weights + (round_weights(weights) - weights).detach()


def _product(module: nn.Linear, activations: torch.Tensor) -> torch.Tensor:
    return functional.linear(activations, _straight_through(module.weight), module.bias)


def _lookup(module: nn.Embedding, ids: torch.Tensor) -> torch.Tensor:
    """Of the table only the rows that are looked up are rounded."""
    return _straight_through(functional.embedding(ids, module.weight, module.padding_idx))

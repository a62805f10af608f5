"""Colours by numbers: told apart by lightness alone, and with each of the common colour blindnesses."""

from itertools import combinations, pairwise

import numpy as np
import pytest

from bot.presentation import palette

CHART = 0x1E1F22
DARK, LIGHT = 0x313338, 0xFFFFFF
"""The grounds of a chart, and of Discord's two themes."""

BLINDNESS = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
    "none": np.eye(3),
}
"""Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB."""

TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def linear(colour):
    channels = np.array([(colour >> shift & 255) / 255 for shift in (16, 8, 0)])
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def contrast(first, second):
    """As WCAG 2 has it, from 1 to 21."""
    dark, light = sorted(float(linear(colour) @ TO_XYZ[1]) for colour in (first, second))
    return (light + 0.05) / (dark + 0.05)


def lab(colour, blindness="none"):
    """CIE 1976 L*a*b* of what somebody sees."""
    seen = np.clip(np.array(BLINDNESS[blindness]) @ linear(colour), 0, 1)
    xyz = TO_XYZ @ seen / TO_XYZ.sum(axis=1)
    root = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * root[1] - 16, 500 * (root[0] - root[1]), 200 * (root[1] - root[2])])


SETS = {"shares": [*palette.SHARES.values()], "lines": [*palette.LINES]}


@pytest.mark.parametrize("colours", SETS.values(), ids=SETS)
def test_what_stands_in_one_chart_differs_in_lightness_as_well(colours):
    """In the shares two were 1.03 apart, and the two lines 1.08."""
    assert all(contrast(*pair) >= 1.6 for pair in combinations(colours, 2))
    assert all(contrast(colour, CHART) >= 2.4 for colour in colours)


@pytest.mark.parametrize("blindness", BLINDNESS)
@pytest.mark.parametrize("colours", SETS.values(), ids=SETS)
def test_what_stands_in_one_chart_is_told_apart_with_every_colour_blindness(colours, blindness):
    for first, second in combinations(colours, 2):
        assert np.linalg.norm(lab(first, blindness) - lab(second, blindness)) >= 25


@pytest.mark.parametrize("blindness", BLINDNESS)
def test_the_scale_grows_lighter_from_worst_to_best_for_everybody(blindness):
    lightness = [lab(colour, blindness)[0] for colour in palette.WORSE_TO_BETTER]
    assert all(lighter - darker >= 7 for darker, lighter in pairwise(lightness))
    assert contrast(palette.WORSE_TO_BETTER[0], CHART) >= 2


@pytest.mark.parametrize("ground", [DARK, LIGHT])
def test_the_edge_of_a_card_is_seen_on_both_of_discords_themes(ground):
    assert all(contrast(colour, ground) >= 2.2 for colour in (*palette.SENTIMENT.values(), palette.MIXED))

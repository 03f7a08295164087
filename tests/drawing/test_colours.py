"""Operations are told apart by their colours, by people of all kinds of sight."""

from __future__ import annotations

from itertools import combinations
from itertools import product
import subprocess
import sys

import numpy as np
from numpy.typing import NDArray
import pytest

from optuna_xmcnas.drawing import op_colour


FAMILIES = {
    "convolutions": ("conv1", "conv2", "conv3", "conv4", "conv5", "conv7", "conv8"),
    "pools": ("maxpool3", "avgpool3"),
    "bilstm": ("bilstm",),
    "bigru": ("bigru",),
    "own": tuple(f"own{i}" for i in range(30)),
}
# Machado, Oliveira, Fernandes: A Physiologically-based Model for Simulation of Color Vision
# Deficiency (2009), severity 1.0; for linear RGB.
SIGHTS = {
    "usual": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
TO_XYZ = np.array(
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
)  # of sRGB, D65
JUST_SEEN = 2.3  # distance in CIELAB
APART = 6.5 * JUST_SEEN


def linear(colour: str) -> NDArray[np.float64]:
    """Return a colour as linear RGB."""
    rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def seen(op: str, sight: str) -> NDArray[np.float64]:
    """Return the colour of an op as somebody sees it, in CIELAB."""
    rgb = np.clip(SIGHTS[sight] @ linear(op_colour(op).fill), 0, 1)
    x, y, z = np.cbrt(np.maximum(TO_XYZ @ rgb / (0.9505, 1.0, 1.089), 1e-3))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("sight", SIGHTS)
def test_families_are_told_apart(sight: str) -> None:
    for one, other in combinations(FAMILIES.values(), 2):
        for a, b in product(one, other):
            assert np.linalg.norm(seen(a, sight) - seen(b, sight)) > APART, (a, b)


@pytest.mark.parametrize("sight", SIGHTS)
def test_a_larger_kernel_is_darker(sight: str) -> None:
    lightness = [seen(op, sight)[0] for op in FAMILIES["convolutions"]]
    assert np.all(np.diff(lightness) < -2 * JUST_SEEN)
    for a, b in combinations(("conv1", "conv3", "conv5", "conv7"), 2):
        assert np.linalg.norm(seen(a, sight) - seen(b, sight)) > APART


@pytest.mark.parametrize("sight", SIGHTS)
def test_pools_are_told_apart(sight: str) -> None:
    assert np.linalg.norm(seen("maxpool3", sight) - seen("avgpool3", sight)) > APART


@pytest.mark.parametrize("op", [op for family in FAMILIES.values() for op in family])
def test_names_can_be_read_on_their_colour(op: str) -> None:
    colour = op_colour(op)
    luminance = sorted(float(TO_XYZ[1] @ linear(c)) for c in (colour.fill, colour.text))
    assert (luminance[1] + 0.05) / (
        luminance[0] + 0.05
    ) >= 4.5  # WCAG 2.1, success criterion 1.4.3


@pytest.mark.parametrize("op", ["conv0", "conv", "conv3x", "bilstm2", "maxpool", "myconv3", "W"])
def test_another_name_is_grey(op: str) -> None:
    red, green, blue = linear(op_colour(op).fill)
    assert red >= green >= blue > 0.6 * red


def test_other_kernels_are_of_the_family() -> None:
    assert op_colour("conv6") == op_colour("conv5")
    assert op_colour("conv11") == op_colour("conv8")
    assert op_colour("maxpool5") == op_colour("maxpool3")


def test_own_operations_have_the_same_colour_in_every_process() -> None:
    names = FAMILIES["own"]
    code = f"from optuna_xmcnas.drawing import op_colour; print(*map(op_colour, {names}))"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == " ".join(str(op_colour(op)) for op in names)
    assert len({op_colour(op) for op in names}) > 1

"""The process does what the book says, by a slow second implementation and on invented data."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest

from optuna_xmcnas.guides import gaussian_process
from optuna_xmcnas.guides.gaussian_process import GaussianProcess


Predictions = tuple[np.ndarray, np.ndarray]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def names(n: int, prefix: str = "child") -> list[str]:
    return [f"{prefix} {i}" for i in range(n)]


def wave(features: np.ndarray) -> np.ndarray:
    """Return something smooth, 0 on average."""
    values = np.sin(features[:, 0] / 2) + np.cos(features[:, -1] / 3)
    return np.asarray(values - values.mean())


def slow_predictions(
    data: tuple[np.ndarray, Sequence[str], np.ndarray, np.ndarray],
    asked: tuple[np.ndarray, Sequence[str], np.ndarray],
    views: Sequence[np.ndarray],
    running: np.ndarray,
) -> Predictions:
    """Return what the process says, by matrix inverses and one child after the other."""
    features, identities, merits, prior = data
    n, n_running = len(merits), len(running)
    shares = (
        gaussian_process._UNKNOWN_NOISE_SHARE
        if n - len(set(identities)) < gaussian_process._FEWEST_REPEATS
        else gaussian_process._NOISE_SHARES
    )
    settings = product(views, gaussian_process._LENGTHS, gaussian_process._REMAINDERS, shares)
    log_likelihoods, means, variances = [], [], []
    for view, length, remainder, share in settings:

        def smooth(
            one: np.ndarray, other: np.ndarray, view: np.ndarray = view, length: float = length
        ) -> float:
            return float(np.exp(-((one[view] - other[view]) ** 2).sum() / (2 * length**2)))

        own, noise = remainder * (1 - share), remainder * share
        # Children in training stand behind the evaluated ones.
        rows = [*features, *running]
        who = [*identities, *names(n_running, "running")]
        covariances = np.array(
            [
                [
                    smooth(rows[i], rows[j]) + own * (who[i] == who[j]) + noise * (i == j)
                    for j in range(n + n_running)
                ]
                for i in range(n + n_running)
            ]
        )
        inverse = np.linalg.inv(covariances[:n, :n])
        slope = max(0.0, (prior @ inverse @ merits) / (prior @ inverse @ prior + 1e-12))
        rest = merits - slope * prior
        amplitude = rest @ inverse @ rest / n
        _, log_determinant = np.linalg.slogdet(covariances[:n, :n])
        log_likelihoods.append(-0.5 * (n * np.log(amplitude) + log_determinant))
        across = np.array(
            [
                [
                    smooth(row, child) + own * (one == name)
                    for child, name in zip(*asked[:2], strict=True)
                ]
                for row, one in zip(rows, who, strict=True)
            ]
        )
        means.append(slope * asked[2] + across[:n].T @ inverse @ rest)
        explained = np.diag(across.T @ np.linalg.inv(covariances) @ across)
        known = np.array([name in identities for name in asked[1]])
        variances.append(amplitude * np.maximum(1 + own * known - explained, 0))
    weights = np.exp(np.array(log_likelihoods) - max(log_likelihoods))
    weights[weights < gaussian_process._LEAST_WEIGHT] = 0
    weights /= weights.sum()
    mean = weights @ np.array(means)
    variance = weights @ (np.array(variances) + (np.array(means) - mean) ** 2)
    return mean, np.sqrt(variance)


@pytest.mark.parametrize("n_running", [0, 1, 3])
@pytest.mark.parametrize("repeats", [1, 2])
def test_predictions_are_those_of_a_slow_second_implementation(
    repeats: int, n_running: int, rng: np.random.Generator
) -> None:
    features = np.repeat(rng.uniform(0, 8, size=(8, 3)), repeats, axis=0)
    identities = list(np.repeat(names(8), repeats))
    merits = wave(features) + rng.normal(0, 0.2, len(features))
    prior = rng.normal(size=len(features)) + merits
    views = [np.array([True, True, True]), np.array([True, False, False])]
    process = GaussianProcess(features, identities, merits, views=views, prior=prior)
    asked = np.vstack([rng.uniform(0, 8, size=(4, 3)), features[:1]])
    asked_names, asked_prior = [*names(4, "asked"), identities[0]], rng.normal(size=5)
    running = rng.uniform(0, 8, size=(n_running, 3))
    mean, deviation = process.predict(asked, asked_names, asked_prior, running)
    expected = slow_predictions(
        (features, identities, merits, prior), (asked, asked_names, asked_prior), views, running
    )
    assert mean == pytest.approx(expected[0], rel=1e-4, abs=1e-6)
    # Of a child that has been evaluated, the deviation is of no use: it is not asked for.
    assert deviation[:4] == pytest.approx(expected[1][:4], rel=1e-4, abs=1e-6)


def test_between_its_data_it_is_right(rng: np.random.Generator) -> None:
    features = rng.uniform(0, 10, size=(80, 2))
    values = wave(features)
    process = GaussianProcess(features[:60], names(60), values[:60] - values[:60].mean())
    mean, _ = process.predict(features[60:], names(20, "new"))
    assert np.corrcoef(mean, values[60:])[0, 1] > 0.98


def test_the_deviation_grows_with_the_distance() -> None:
    line = np.linspace(0, 10, 12)[:, None]
    process = GaussianProcess(line, names(12), wave(line))
    _, deviation = process.predict(np.array([[5.0], [11.0], [13.0], [17.0], [60.0]]), names(5))
    assert (np.diff(deviation) > 0).all()


def test_repeats_of_one_child_are_averaged(rng: np.random.Generator) -> None:
    """Children have a value of their own, so a known child is better judged than its likes."""
    features = np.repeat(np.zeros((30, 2)), 6, axis=0)
    own = rng.normal(size=30)
    merits = np.repeat(own, 6) + rng.normal(0, 0.3, 180)
    merits -= merits.mean()
    process = GaussianProcess(features, list(np.repeat(names(30), 6)), merits)
    known, _ = process.predict(np.zeros((30, 2)), names(30))
    unknown, _ = process.predict(np.zeros((1, 2)), ["new"])
    averages = merits.reshape(30, 6).mean(axis=1)
    assert np.abs(known - averages).max() < 0.2
    assert abs(unknown[0]) < 0.2


@pytest.mark.parametrize(("own", "noise"), [(0.05, 0.5), (0.5, 0.25), (0.1, 0.1)])
def test_repeats_tell_noise_from_what_a_child_has_for_itself(
    own: float, noise: float, rng: np.random.Generator
) -> None:
    children = rng.uniform(0, 10, size=(50, 2))
    values = wave(children) + rng.normal(0, own, 50)
    merits = np.repeat(values, 3) + rng.normal(0, noise, 150)
    process = GaussianProcess(
        np.repeat(children, 3, axis=0), list(np.repeat(names(50), 3)), merits - merits.mean()
    )
    assert process.noise_deviation == pytest.approx(noise, rel=0.35)


def test_children_in_training_leave_means_and_lower_deviations_near_them(
    rng: np.random.Generator,
) -> None:
    features = rng.uniform(0, 10, size=(20, 2))
    process = GaussianProcess(features, names(20), wave(features))
    asked = np.array([[20.0, 20.0], [20.5, 20.0], [90.0, 0.0]])
    alone = process.predict(asked, names(3, "new"))
    beside = process.predict(asked, names(3, "new"), running=asked[:1])
    twice = process.predict(asked, names(3, "new"), running=asked[[0, 0]])
    nobody = process.predict(asked, names(3, "new"), running=asked[:0])
    assert beside[0].tolist() == twice[0].tolist() == alone[0].tolist()
    assert nobody[1].tolist() == alone[1].tolist()
    assert beside[1][0] < 0.6 * alone[1][0]
    assert beside[1][1] < 0.6 * alone[1][1]
    assert twice[1][0] < beside[1][0]
    assert beside[1][2] == pytest.approx(alone[1][2], rel=1e-6)


def test_a_right_prior_is_followed_where_there_are_no_data(rng: np.random.Generator) -> None:
    features = rng.uniform(0, 10, size=(15, 2))
    merits = wave(features)
    process = GaussianProcess(features, names(15), merits, prior=10 * merits)
    far = np.full((2, 2), 900.0)
    mean, _ = process.predict(far, names(2, "new"), np.array([-20.0, 20.0]))
    assert mean == pytest.approx([-2, 2], rel=0.05)


def test_a_wrong_prior_is_left_aside(rng: np.random.Generator) -> None:
    features = rng.uniform(0, 10, size=(15, 2))
    merits = wave(features)
    wrong = GaussianProcess(features, names(15), merits, prior=-merits)
    without = GaussianProcess(features, names(15), merits)
    asked, prior = rng.uniform(0, 10, size=(4, 2)), np.array([5.0, -5.0, 1.0, 0.0])
    expected = without.predict(asked, names(4, "new"))
    found = wrong.predict(asked, names(4, "new"), prior)
    assert found[0] == pytest.approx(expected[0])
    assert found[1] == pytest.approx(expected[1])


def test_what_is_likely_decides_by_which_features_children_are_compared(
    rng: np.random.Generator,
) -> None:
    features = rng.uniform(0, 10, size=(60, 6))
    values = 2 * np.sin(features[:, 0])
    first = np.arange(6) == 0
    errors = {}
    for name, views in {"all": [first | True], "either": [first | True, first]}.items():
        process = GaussianProcess(features[:40], names(40), values[:40], views=views)
        mean, _ = process.predict(features[40:], names(20, "new"))
        errors[name] = float(((mean - values[40:]) ** 2).mean())
    assert errors["either"] < 0.1 * errors["all"]


@pytest.mark.parametrize("n_children", [1, 2, 8])
def test_data_that_say_nothing_do_no_harm(n_children: int) -> None:
    features = np.zeros((8, 3))
    identities = [f"child {i % n_children}" for i in range(8)]
    process = GaussianProcess(features, identities, np.zeros(8))
    mean, deviation = process.predict(np.ones((2, 3)), ["child 0", "new"])
    assert np.isfinite(mean).all()
    assert (deviation > 0).all()


def test_a_flat_likelihood_leaves_settings_to_predict_with() -> None:
    # With repeats there are so many settings that none has a fiftieth of the weight.
    features = np.zeros((6, 8))
    process = GaussianProcess(features, list("aaabbc"), np.array([1.0, -1, 0, 0.5, -0.5, 0]))
    mean, deviation = process.predict(np.zeros((1, 8)), ["new"])
    assert np.isfinite(mean).all()
    assert (deviation > 0).all()

"""Support vector machines as one matrix product: their decision values, Platt's sigmoids and libsvm's coupling."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.calibration import CalibratedClassifierCV
from sklearn.svm import SVC

KERNELS = "rbf", "linear"
DECISION_ROUNDING = 1e-9  # of all coefficients together: how far a decision value may lie from libsvm's
LEAST_OF_PAIR = 1e-7  # of a pair, as libsvm has it
COUPLED, MOST_COUPLINGS = 0.005, 100  # libsvm ends there, divided by the number of classes, and after so many steps

Values = NDArray[np.float64]
MachineAnswer = tuple[
    Values, NDArray[np.bool_]
]  # what was asked (N, ...), and whether of each row rounding leaves it open (N,)


class VectorMachine:
    """A fitted SVC with a dense kernel; `pairs` gives libsvm's decision value of each pair of classes."""

    def __init__(self, machine: SVC) -> None:
        self.classes = len(machine.classes_)
        self.vectors = np.ascontiguousarray(machine.support_vectors_, dtype=np.float64)  # (S, D)
        self.gamma = float(machine._gamma) if machine.kernel == "rbf" else None
        self.squares = np.einsum("sd,sd->s", self.vectors, self.vectors)
        sign = -1 if self.classes == 2 else 1  # scikit-learn shows both the other way round
        owners = np.repeat(np.arange(self.classes), machine.n_support_)
        columns = [
            np.where(owners == i, machine.dual_coef_[j - 1], np.where(owners == j, machine.dual_coef_[i], 0))
            for i, j in combinations(range(self.classes), 2)
        ]
        self.coefficients = sign * np.stack(columns, axis=1)  # (S, pairs)
        self.intercepts = sign * machine.intercept_
        self.rounding = DECISION_ROUNDING * max(1.0, float(np.abs(self.coefficients).sum(axis=0).max()))

    def pairs(self, rows: np.ndarray) -> Values:
        """Rows (N, D) -> (N, pairs), above 0 for the first class of a pair."""
        given = rows.astype(np.float64)
        kernel = given @ self.vectors.T  # (N, S)
        if self.gamma is not None:
            kernel *= 2
            kernel -= self.squares
            kernel -= np.einsum("nd,nd->n", given, given)[:, None]
            kernel = np.exp(np.minimum(kernel, 0) * self.gamma)
        values: Values = kernel @ self.coefficients + self.intercepts
        return values

    def decisions(self, rows: np.ndarray) -> MachineAnswer:
        """As scikit-learn's decision_function: (N,) of two classes, else (N, K), one class against the others.

        A row is open where a vote of two classes could fall either way.
        """
        values = self.pairs(rows)
        if self.classes == 2:
            return -values[:, 0], np.zeros(len(rows), dtype=bool)
        votes, confidences = np.zeros((2, len(rows), self.classes))
        for place, (i, j) in enumerate(combinations(range(self.classes), 2)):
            votes[:, i] += values[:, place] >= 0
            votes[:, j] += values[:, place] < 0
            confidences[:, i] += values[:, place]
            confidences[:, j] -= values[:, place]
        # within a third, so that it orders classes with as many votes and no others
        unsure: NDArray[np.bool_] = np.logical_or.reduce(np.abs(values) <= self.rounding, axis=1)
        return votes + confidences / (3 * (np.abs(confidences) + 1)), unsure


class CalibratedMachine:
    """An SVC whose decisions become probabilities by a sigmoid a class, as CalibratedClassifierCV has it."""

    def __init__(self, classifier: CalibratedClassifierCV) -> None:
        self.parts = [(VectorMachine(each.estimator), each.calibrators) for each in classifier.calibrated_classifiers_]

    def __call__(self, rows: np.ndarray) -> MachineAnswer:
        given = [self._calibrated(rows, machine, sigmoids) for machine, sigmoids in self.parts]
        probabilities: Values = np.mean([found for found, _ in given], axis=0)
        unsure: NDArray[np.bool_] = np.logical_or.reduce([open_rows for _, open_rows in given])
        return probabilities, unsure

    def _calibrated(self, rows: np.ndarray, machine: VectorMachine, sigmoids: Sequence[object]) -> MachineAnswer:
        decisions, unsure = machine.decisions(rows)
        slopes, offsets = (np.array([getattr(sigmoid, name) for sigmoid in sigmoids]) for name in ("a_", "b_"))
        given = expit(-(slopes * decisions.reshape(len(rows), -1) + offsets))
        if machine.classes == 2:
            return np.concatenate([1 - given, given], axis=1), unsure
        total = given.sum(axis=1, keepdims=True)
        return np.divide(given, total, out=np.full_like(given, 1 / machine.classes), where=total != 0), unsure


class CoupledMachine:
    """An SVC with probabilities of its own: a sigmoid for each pair of classes, coupled as libsvm does.

    Wu, Lin and Weng, JMLR 2004, the second method, in libsvm's very steps: it stops early, and so do we.
    """

    def __init__(self, machine: SVC) -> None:
        self.machine = VectorMachine(machine)
        self.slopes, self.offsets = machine._probA, machine._probB

    def __call__(self, rows: np.ndarray) -> MachineAnswer:
        powers = self.machine.pairs(rows) * self.slopes + self.offsets
        return coupled(np.clip(expit(-powers), LEAST_OF_PAIR, 1 - LEAST_OF_PAIR), self.machine.classes)


def coupled(pairs: Values, classes: int) -> MachineAnswer:
    """Probabilities (N, pairs) of the first class of each pair -> (N, K) of all classes.

    A row is open where libsvm could stop a step earlier or later.
    """
    shares = np.zeros((len(pairs), classes, classes))
    for place, (i, j) in enumerate(combinations(range(classes), 2)):
        shares[:, i, j], shares[:, j, i] = pairs[:, place], 1 - pairs[:, place]
    products = -shares * shares.transpose(0, 2, 1)  # (N, K, K)
    for t in range(classes):
        products[:, t, t] = (shares[:, :, t] ** 2).sum(axis=1)
    found, unsure = np.full((len(pairs), classes), 1 / classes), np.zeros(len(pairs), dtype=bool)
    running = np.arange(len(pairs))
    for _ in range(max(MOST_COUPLINGS, classes)):
        own, chances = products[running], found[running]
        sums = np.einsum("ntj,nj->nt", own, chances)
        whole = np.einsum("nt,nt->n", chances, sums)
        errors = np.abs(sums - whole[:, None]).max(axis=1) - COUPLED / classes
        unsure[running] |= np.abs(errors) <= DECISION_ROUNDING
        running = running[errors >= 0]
        if not len(running):
            break
        own, chances, sums, whole = (array[errors >= 0] for array in (own, chances, sums, whole))
        for t in range(classes):
            step = (whole - sums[:, t]) / own[:, t, t]
            chances[:, t] += step
            whole = (whole + step * (step * own[:, t, t] + 2 * sums[:, t])) / (1 + step) ** 2
            sums = (sums + step[:, None] * own[:, t]) / (1 + step)[:, None]
            chances /= (1 + step)[:, None]
        found[running] = chances
    return found, unsure

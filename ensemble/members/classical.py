"""Members that learn from a frozen backbone's features: a scaler, then an SVM, a random forest or boosted trees."""

import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any, ClassVar

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.class_weight import compute_sample_weight
from xgboost import XGBClassifier

from ensemble.members.contract import Member, Parts, Prediction
from ensemble.members.heads import faster_head, scaling_of
from ensemble.values.errors import MemberError
from ensemble.values.results import Classes
from ensemble.values.titles import KIND_TITLES
from ensemble.values.training import ShareDone

CLASSIFIER, SCALER = ".pkl", "_scaler.pkl"
Settings = Mapping[str, Any]
SUMS, FEWEST_BINS, OWN_BINS = 2**18, 16, 256  # sums of 16 bytes; beyond the cache, boosting takes several times longer


class ClassicalMember(Member):
    """A scaler and a scikit-learn classifier on (N, D) backbone features; subclasses name the classifier."""

    libraries: ClassVar[tuple[str, ...]] = ("scikit-learn",)
    endings: ClassVar[tuple[str, ...]] = (CLASSIFIER, SCALER)
    usual: ClassVar[Settings]  # of the classifier, where no search has found better ones

    def others(self, features: int) -> Sequence[Settings]:
        """Settings to try beside the usual ones, for so many features."""
        return ()

    def _settings(self) -> dict[str, Any]:
        return {**self.usual, **self.teaching.settings}

    def tries(
        self, known: np.ndarray, labels: np.ndarray, asked: np.ndarray, weights: np.ndarray | None
    ) -> Iterator[tuple[Any, np.ndarray]]:
        """For the usual and all other settings a classifier taught on scaled rows, and what it is to be asked."""
        features = known.shape[1]
        for settings in (self.usual, *self.others(features)):
            classifier = self._new_classifier(labels, features).set_params(**settings)
            yield classifier.fit(known, labels, sample_weight=weights), asked

    def _new_classifier(self, labels: np.ndarray, features: int) -> Any:
        raise MemberError("{name} names no classifier.", name=type(self).__name__)

    def fit(
        self,
        rows: np.ndarray,
        labels: np.ndarray,
        progress: ShareDone | None = None,
        *,
        copied: np.ndarray | None = None,
    ) -> "ClassicalMember":
        """Learn the scaler and the classifier; rare classes weigh as much as common ones.

        Where the last M rows are copies, `copied` (M,) says of which of the rows before: folds keep both together.
        """
        photos = len(labels) - (0 if copied is None else len(copied))
        self.scaler_ = StandardScaler().fit(rows)
        classifier = self._new_classifier(labels[:photos], rows.shape[1])
        folds = classifier.get_params().get("cv")
        if copied is not None and folds:
            classifier.set_params(cv=_folds_with_copies(labels[:photos], copied, folds))
        weights = compute_sample_weight("balanced", labels) if self.teaching.weighted else None
        classifier.fit(self.scaler_.transform(rows), labels, sample_weight=weights)
        if copied is not None and folds:
            classifier.set_params(cv=folds)  # which rows were held out is no part of the model
        if "n_jobs" in classifier.get_params():
            classifier.set_params(n_jobs=None)  # how many cores trained it is no part of the model
        self._take(classifier)
        if progress:
            progress(1.0)
        return self

    def score(self, rows: np.ndarray) -> Prediction:
        """(N, D) features -> (N, K) probabilities in the order of `classes.names`."""
        given = self._head(self._scaled(rows))
        return Prediction(np.clip(np.asarray(given, dtype=np.float64)[:, self.columns_], 0.0, 1.0))

    def parts(self) -> Parts:
        """The classifier and the scaler, as the two files keep them."""
        return {CLASSIFIER: self.classifier_, SCALER: self.scaler_}

    def restore(self, parts: Parts) -> "ClassicalMember":
        """Take a fitted classifier and scaler, checked against each other and against the classes."""
        classifier, scaler = parts[CLASSIFIER], parts[SCALER]
        expected, found = (getattr(thing, "n_features_in_", None) for thing in (scaler, classifier))
        if expected is None or not hasattr(scaler, "transform"):
            raise MemberError("Expected a fitted scaler. Got {name}.", name=type(scaler).__name__)
        if expected != found:
            raise MemberError(
                "The scaler knows {expected} features and the classifier {found}. They are not a pair.",
                expected=expected,
                found=found,
            )
        self.scaler_ = scaler
        self._take(classifier)
        return self

    def _take(self, classifier: Any) -> None:
        if not hasattr(classifier, "classes_"):
            raise MemberError("Expected a fitted classifier. Got {name}.", name=type(classifier).__name__)
        in_pairs = getattr(classifier, "decision_function_shape", "ovr") == "ovo" and len(self.classes.names) > 2
        if in_pairs and not hasattr(classifier, "predict_proba"):
            raise MemberError("The classifier scores pairs of classes. Train it with decision_function_shape='ovr'.")
        self.classifier_ = classifier
        self._head, self._scaled = faster_head(classifier, self.title), scaling_of(self.scaler_)
        self.columns_ = _class_columns(list(classifier.classes_), self.classes)


def _folds_with_copies(labels: np.ndarray, copied: np.ndarray, folds: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows to learn from and held-out ones, each copy on the side of its photo: the folds of the photos themselves."""
    shows = np.concatenate([np.arange(len(labels)), copied])  # the photo that a row shows
    splits = StratifiedKFold(folds).split(labels, labels)
    return [(np.flatnonzero(np.isin(shows, learn)), np.flatnonzero(np.isin(shows, held))) for learn, held in splits]


def _class_columns(known: list[Any], classes: Classes) -> list[int]:
    """Where each class of the product stands among the classifier's own: by name, or as the number it has here."""
    names = [classes.names[int(label)] if _is_class_number(label, classes) else str(label) for label in known]
    if sorted(names) != sorted(classes.names):
        raise MemberError(
            "The classifier knows {known}; this product has {names}.",
            known=", ".join(map(str, known)),
            names=", ".join(classes.names),
        )
    return [names.index(name) for name in classes.names]


def _is_class_number(label: Any, classes: Classes) -> bool:
    return isinstance(label, int | float | np.number) and float(label) in range(len(classes.names))


class SupportVectorMember(ClassicalMember):
    """A support vector machine whose distances become probabilities by Platt's sigmoid, fitted on held-out folds."""

    kind: ClassVar[str] = "svm"
    title: ClassVar[str] = KIND_TITLES["svm"]
    usual: ClassVar[Settings] = {"C": 10.0, "gamma": "scale"}

    def others(self, features: int) -> Sequence[Settings]:
        """A tenth and ten times the penalty, a third and three times the kernel's width: scaled features vary by 1."""
        grid = product((10.0, 1.0, 100.0), ("scale", 1 / (3 * features), 3 / features))
        return [{"C": penalty, "gamma": gamma} for penalty, gamma in grid][1:]

    def tries(
        self, known: np.ndarray, labels: np.ndarray, asked: np.ndarray, weights: np.ndarray | None
    ) -> Iterator[tuple[Any, np.ndarray]]:
        """Machines without probabilities, for their distances rank alike; how far photos lie apart is found once."""
        near, far = euclidean_distances(known, squared=True), euclidean_distances(asked, known, squared=True)
        scale = 1 / (known.shape[1] * float(known.var()) or 1.0)  # as SVC has it
        for settings in (self.usual, *self.others(known.shape[1])):
            gamma = scale if settings["gamma"] == "scale" else settings["gamma"]
            machine = SVC(C=settings["C"], kernel="precomputed")
            yield machine.fit(np.exp(-gamma * near), labels, sample_weight=weights), np.exp(-gamma * far)

    def _new_classifier(self, labels: np.ndarray, features: int) -> Any:
        folds = int(min(5, np.bincount(labels).min()))
        if folds < 2:
            raise MemberError("An SVM needs at least two photos of each class to learn its probabilities.")
        machine = SVC(**self._settings())
        return CalibratedClassifierCV(machine, method="sigmoid", cv=folds, ensemble=False)


class ForestMember(ClassicalMember):
    """A random forest."""

    kind: ClassVar[str] = "rf"
    title: ClassVar[str] = KIND_TITLES["rf"]
    usual: ClassVar[Settings] = {"min_samples_leaf": 2, "max_features": "sqrt"}
    trees: ClassVar[int] = 300

    def others(self, features: int) -> Sequence[Settings]:
        grid = product(("sqrt", "log2"), (2, 1, 5))
        return [{"min_samples_leaf": leaf, "max_features": share} for share, leaf in grid][1:]

    def _new_classifier(self, labels: np.ndarray, features: int) -> Any:
        cores = os.cpu_count()
        return RandomForestClassifier(n_estimators=self.trees, random_state=self.seed, n_jobs=cores, **self._settings())


class XGBoostMember(ClassicalMember):
    """Gradient-boosted trees."""

    kind: ClassVar[str] = "xgb"
    title: ClassVar[str] = KIND_TITLES["xgb"]
    libraries: ClassVar[tuple[str, ...]] = ("scikit-learn", "xgboost")
    usual: ClassVar[Settings] = {"max_depth": 3, "learning_rate": 0.1}

    def others(self, features: int) -> Sequence[Settings]:
        grid = product((3, 2, 5), (0.1, 0.05, 0.2))
        return [{"max_depth": depth, "learning_rate": rate} for depth, rate in grid][1:]

    def _new_classifier(self, labels: np.ndarray, features: int) -> Any:
        return XGBClassifier(
            n_estimators=300,
            subsample=0.8,
            colsample_bynode=0.1,
            tree_method="hist",
            max_bin=_feature_bins(features),
            random_state=self.seed,
            n_jobs=1,  # a round takes milliseconds: threads that wait for each other cost up to six times the work
            **self._settings(),
        )


def _feature_bins(features: int) -> int | None:
    """Steps that each feature is cut into: as many as let a node's sums over all features stay in the cache.

    None, which is xgboost's own 256, where there are few features.
    """
    return None if SUMS // features >= OWN_BINS else max(FEWEST_BINS, SUMS // features)

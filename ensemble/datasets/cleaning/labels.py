"""Labels that a model which has not learnt from the photo doubts: out-of-fold probabilities and confident learning.

Northcutt et al. 2021, "Confident Learning: Estimating Uncertainty in Dataset Labels", by cleanlab.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence

import numpy as np
from cleanlab.filter import find_label_issues
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ensemble.datasets.collection.values import FINDING_KINDS, LABEL, Finding
from ensemble.features.backbones import FeatureExtractor
from ensemble.features.feature_cache import FeatureCache
from ensemble.features.photo_batch import input_key
from ensemble.features.preprocessing import BUNDLED
from ensemble.features.readings import read_rows
from ensemble.values.language import Message, paragraph
from ensemble.values.results import Classes, word
from ensemble.values.samples import Sample

LABEL_FOLDS = 5
FEWEST_OF_CLASS = LABEL_FOLDS  # photos of a class that are no copies of each other
STRENGTH = 0.003  # C of the logistic regression; chosen on training photos of three classes with turned labels

FeatureReader = Callable[[Sequence[Sample], Classes, Callable[[float], None]], np.ndarray]


def bundled_features(photos: Sequence[Sample], classes: Classes, progress: Callable[[float], None]) -> np.ndarray:
    """(N, D) features of the bundled backbone; they are kept, and a training that follows reads them."""
    extractor = FeatureExtractor.open(BUNDLED, pooling="grid")  # more exact than averages
    samples = [Sample(photo.path, photo.label, view=photo.view) for photo in photos]
    with FeatureCache.of_setting() as cache:
        rows = read_rows(samples, [extractor], classes, progress, cache)
    return np.asarray(rows.inputs[input_key(extractor)])


def judged(photos: Sequence[Sample], groups: Sequence[Hashable], classes: Classes) -> tuple[list[int], str]:
    """The places of photos whose labels can be judged, and a sentence where some cannot; `groups` names copies."""
    apart = Counter(label for label, _ in {(photo.label, group) for photo, group in zip(photos, groups, strict=True)})
    enough = [name for name in classes.names if apart[name] >= FEWEST_OF_CLASS]
    if len(enough) < 2:
        counts = ", ".join(f"{word(name)} {apart[name]}" for name in classes.names)
        return [], Message(
            "Labels not checked: needs two classes with at least {fewest} photos each, without duplicates (found: "
            "{counts}).",
            fewest=FEWEST_OF_CLASS,
            counts=counts,
        )
    reason, few = "", [word(name) for name in classes.names if apart[name] < FEWEST_OF_CLASS]
    if few:
        reason = Message(
            "Labels not checked for {names}: fewer than {fewest} photos.", names=", ".join(few), fewest=FEWEST_OF_CLASS
        )
    return [place for place, photo in enumerate(photos) if photo.label in enough], reason


def out_of_fold(features: np.ndarray, labels: np.ndarray, groups: Sequence[Hashable], seed: int) -> np.ndarray:
    """(N, K) probabilities of models that have learnt neither from the photo nor from a copy of it; zeros if none."""
    numbers = {group: number for number, group in enumerate(dict.fromkeys(groups))}
    splitter = StratifiedGroupKFold(LABEL_FOLDS, shuffle=True, random_state=seed)
    probabilities = np.zeros((len(labels), int(labels.max()) + 1))
    for learn, held in splitter.split(features, labels, [numbers[group] for group in groups]):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=STRENGTH, max_iter=1000, class_weight="balanced"))
        model.fit(features[learn], labels[learn])
        probabilities[np.ix_(held, model[-1].classes_)] = model.predict_proba(features[held])
    return probabilities


def doubtful_labels(
    photos: Sequence[Sample],
    groups: Sequence[Hashable],
    classes: Classes,
    *,
    seed: int,
    progress: Callable[[float], None],
    features: FeatureReader = bundled_features,
) -> list[Finding]:
    """Label findings, surest first; none where `judged` leaves no two classes."""
    places, _ = judged(photos, groups, classes)
    if not places:
        return []
    chosen = [photos[place] for place in places]
    names = [name for name in classes.names if any(photo.label == name for photo in chosen)]
    labels = np.array([names.index(photo.label) for photo in chosen])
    rows = features(chosen, classes, progress)
    probabilities = out_of_fold(rows, labels, [groups[place] for place in places], seed)
    doubted = find_label_issues(
        labels, probabilities, return_indices_ranked_by="normalized_margin", filter_by="both", n_jobs=1
    )
    return [
        _label_finding(chosen[place], names[int(probabilities[place].argmax())], probabilities[place])
        for place in doubted.tolist()
        if probabilities[place].argmax() != labels[place]
    ]


def _label_finding(photo: Sample, suggestion: str, probabilities: np.ndarray) -> Finding:
    sure = float(probabilities.max())
    said = Message(
        "Label {label}, model predicts {suggestion} ({sure:.0%}).",
        label=word(photo.label),
        suggestion=word(suggestion),
        sure=sure,
    )
    sentence = paragraph(said, FINDING_KINDS[LABEL].advice)
    return Finding(LABEL, photo.sha256, (), round(min(1.0, sure), 4), sentence, suggestion)

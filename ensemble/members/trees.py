"""Forests and boosted trees as one node of ONNX, which walks through all of them in microseconds."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from scipy.special import softmax
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from xgboost import XGBClassifier

TREES_DOMAIN, TREES_VERSION, ONNX_VERSION, IR_VERSION = "ai.onnx.ml", 3, 17, 9
TREES_IN, SUMS_OUT = "rows", "sums"
BOOSTED_OBJECTIVES = "binary:logistic", "multi:softprob"


@dataclass(frozen=True, slots=True, eq=False)
class TreeArrays:
    """One tree: of each of its n nodes the children, below 0 at a leaf, the feature and the threshold that it asks,
    and what a leaf adds to each of the sums that it adds to."""

    left: np.ndarray
    right: np.ndarray
    features: np.ndarray
    thresholds: np.ndarray
    added: Sequence[tuple[int, np.ndarray]]


def forest_head(forest: RandomForestClassifier | ExtraTreesClassifier) -> Any:
    """Scaled rows (N, D) -> probabilities (N, K), the mean of the trees'; 64 bits, as thresholds and leaves have."""
    trees = []
    for estimator in forest.estimators_:
        tree = estimator.tree_
        added = list(enumerate(tree.value[:, 0, :].T))  # (nodes, 1, K) -> K of (nodes,)
        trees.append(TreeArrays(tree.children_left, tree.children_right, tree.feature, tree.threshold, added))
    session = _tree_session(trees, forest.n_features_in_, len(forest.classes_), np.float64, "BRANCH_LEQ")
    return partial(_mean_of_trees, session, len(trees))


def _mean_of_trees(session: Any, count: int, rows: np.ndarray) -> np.ndarray:
    given = rows.astype(np.float32).astype(np.float64)  # scikit-learn compares rows of 32 bits
    sums: np.ndarray = session.run(None, {TREES_IN: given})[0]
    return sums.astype(np.float64) / count


def boosted_head(classifier: XGBClassifier) -> Any:
    """The same of boosted trees: sums of 32 bits, in the order in which xgboost adds; None where it is of another kind
    than this project trains."""
    learner = json.loads(bytes(classifier.get_booster().save_raw("json")))["learner"]
    booster, classes = learner["gradient_booster"], len(classifier.classes_)
    sums = 1 if classes == 2 else classes
    base = np.atleast_1d(json.loads(learner["learner_model_param"]["base_score"])).astype(np.float32)
    plain = booster["name"] == "gbtree" and learner["objective"]["name"] in BOOSTED_OBJECTIVES
    plain = plain and len(base) in (1, sums) and "best_iteration" not in learner["attributes"]
    trees = booster["model"]["trees"] if plain else []
    if not trees or any(tree["categories"] or tree["tree_param"]["size_leaf_vector"] != "1" for tree in trees):
        return None
    if learner["objective"]["name"] == "binary:logistic":
        base = -np.log(1 / base - 1)
    arrays = [_stump(number, value) for number, value in enumerate(np.resize(base, sums).tolist())]
    arrays += [_boosted_tree(*pair) for pair in zip(trees, booster["model"]["tree_info"], strict=True)]
    session = _tree_session(arrays, classifier.n_features_in_, sums, np.float32, "BRANCH_LT")
    return partial(_boosted_probabilities, session)


def _stump(target: int, value: float) -> TreeArrays:
    """What the sum begins with."""
    none = np.array([-1])
    return TreeArrays(none, none, none, none, [(target, np.array([value]))])


def _boosted_tree(tree: dict[str, Any], target: int) -> TreeArrays:
    names = ("left_children", "right_children", "split_indices", "split_conditions")
    left, right, features, conditions = (np.array(tree[name]) for name in names)
    return TreeArrays(left, right, features, conditions, [(target, conditions)])


def _boosted_probabilities(session: Any, rows: np.ndarray) -> np.ndarray:
    margins: np.ndarray = session.run(None, {TREES_IN: rows.astype(np.float32)})[0]
    if margins.shape[1] > 1:
        probabilities: np.ndarray = softmax(margins, axis=1)
        return probabilities
    second = 1 / (1 + np.exp(-margins))
    return np.concatenate([1 - second, second], axis=1)


def _tree_session(trees: Sequence[TreeArrays], features: int, sums: int, dtype: type, asks: str) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # trees over a few rows take microseconds; waking threads costs more
    options.log_severity_level = 3
    data = _tree_graph(trees, features, sums, dtype, asks).SerializeToString()
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def _tree_graph(trees: Sequence[TreeArrays], features: int, sums: int, dtype: type, asks: str) -> onnx.ModelProto:
    """Rows (N, features) -> (N, sums): what the leaves that they reach add up to."""
    leaves = [tree.left < 0 for tree in trees]
    pairs = list(zip(trees, leaves, strict=True))
    adding = [
        (number, leaf, target, values) for number, (tree, leaf) in enumerate(pairs) for target, values in tree.added
    ]
    thresholds: np.ndarray = np.concatenate([np.where(leaf, 0, tree.thresholds) for tree, leaf in pairs]).astype(dtype)
    weights: np.ndarray = np.concatenate([values[leaf] for _, leaf, _, values in adding]).astype(dtype)
    wide = dtype is np.float64
    numbers = {"nodes_values": thresholds, "target_weights": weights}
    node = helper.make_node(
        "TreeEnsembleRegressor",
        [TREES_IN],
        [SUMS_OUT],
        domain=TREES_DOMAIN,
        n_targets=sums,
        nodes_treeids=_in_one(np.full(len(leaf), number) for number, leaf in enumerate(leaves)),
        nodes_nodeids=_in_one(np.arange(len(leaf)) for leaf in leaves),
        nodes_modes=np.where(np.concatenate(leaves), "LEAF", asks).tolist(),
        nodes_featureids=_in_one(np.where(leaf, 0, tree.features) for tree, leaf in pairs),
        nodes_truenodeids=_in_one(np.where(leaf, 0, tree.left) for tree, leaf in pairs),
        nodes_falsenodeids=_in_one(np.where(leaf, 0, tree.right) for tree, leaf in pairs),
        target_treeids=_in_one(np.full(leaf.sum(), number) for number, leaf, _, _ in adding),
        target_nodeids=_in_one(np.flatnonzero(leaf) for _, leaf, _, _ in adding),
        target_ids=_in_one(np.full(leaf.sum(), target) for _, leaf, target, _ in adding),
        **{f"{name}_as_tensor": numpy_helper.from_array(array) for name, array in numbers.items() if wide},
        **{name: array.tolist() for name, array in numbers.items() if not wide},
    )
    read = TensorProto.DOUBLE if wide else TensorProto.FLOAT
    graph = helper.make_graph(
        [node],
        "trees",
        [helper.make_tensor_value_info(TREES_IN, read, [None, features])],
        [helper.make_tensor_value_info(SUMS_OUT, TensorProto.FLOAT, [None, sums])],
    )
    versions = [helper.make_opsetid(TREES_DOMAIN, TREES_VERSION), helper.make_opsetid("", ONNX_VERSION)]
    return helper.make_model(graph, opset_imports=versions, ir_version=IR_VERSION)


def _in_one(arrays: Iterable[np.ndarray]) -> list[int]:
    joined: list[int] = np.concatenate(list(arrays)).astype(np.int64).tolist()
    return joined

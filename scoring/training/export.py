"""Export: an additive model as an ONNX graph that scores and explains in one call.

The graph is built node by node: skl2onnx can't export ``HistGradientBoostingClassifier``, and would give no
contributions.

::

    inputs [n, m] float32
      └─ TreeEnsembleRegressor   one tree per input, each with its own target
           └─ Cast to float64 ──────────────────────────► contributions [n, m]
                └─ ReduceSum ─ Add intercept ───────────► logit [n]
                                  └─ Sigmoid ───────────► risk [n]

Each input's tree is the balanced search tree of its step function: 15 trees of about 7 levels do the work of
hundreds, and a contribution is one leaf, rounded once. Float64 sums of float32 leaves do not depend on their order.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import onnx
from onnx import TensorProto, helper

from scoring.training.shapes import AdditiveModel, StepFunction

OPSET: Final = 18
ML_OPSET: Final = 3
IR_VERSION: Final = 9
"""Versions of 2023: old enough for every ONNX Runtime that is still installed, new enough for NaN routing."""


def to_onnx(model: AdditiveModel) -> bytes:
    """Serialise an additive model of m inputs; the same model gives the same bytes."""
    input_count = len(model.shapes)
    nodes = [
        helper.make_node(
            "TreeEnsembleRegressor",
            ["inputs"],
            ["leaves"],
            domain="ai.onnx.ml",
            n_targets=input_count,
            aggregate_function="SUM",
            post_transform="NONE",
            **_ensemble(model.shapes),
        ),
        helper.make_node("Cast", ["leaves"], ["contributions"], to=TensorProto.DOUBLE),
        helper.make_node("ReduceSum", ["contributions", "input_axis"], ["sum"], keepdims=0),
        helper.make_node("Add", ["sum", "intercept"], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["risk"]),
    ]
    graph = helper.make_graph(
        nodes,
        "driver_score",
        [helper.make_tensor_value_info("inputs", TensorProto.FLOAT, ["n", input_count])],
        [
            helper.make_tensor_value_info("risk", TensorProto.DOUBLE, ["n"]),
            helper.make_tensor_value_info("logit", TensorProto.DOUBLE, ["n"]),
            helper.make_tensor_value_info("contributions", TensorProto.DOUBLE, ["n", input_count]),
        ],
        [
            helper.make_tensor("input_axis", TensorProto.INT64, [1], [1]),
            helper.make_tensor("intercept", TensorProto.DOUBLE, [], [model.intercept]),
        ],
    )
    proto = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)],
        ir_version=IR_VERSION,
        producer_name="driver-score",
    )
    onnx.checker.check_model(proto)
    return bytes(proto.SerializeToString(deterministic=True))


@dataclass
class _EnsembleNodes:
    """The columns of a TreeEnsembleRegressor: one entry a node, or a leaf."""

    tree_ids: list[int] = field(default_factory=list)
    node_ids: list[int] = field(default_factory=list)
    input_ids: list[int] = field(default_factory=list)
    modes: list[str] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    true_ids: list[int] = field(default_factory=list)
    false_ids: list[int] = field(default_factory=list)
    leaf_tree_ids: list[int] = field(default_factory=list)
    leaf_node_ids: list[int] = field(default_factory=list)
    leaf_weights: list[float] = field(default_factory=list)

    def add(self, tree: int, mode: str, value: float) -> int:
        """Append a node whose branches are filled in later, and give its position."""
        position = len(self.node_ids)
        first = position if not self.tree_ids or self.tree_ids[-1] != tree else position - self.node_ids[-1] - 1
        self.tree_ids.append(tree)
        self.node_ids.append(position - first)
        self.input_ids.append(tree)
        self.modes.append(mode)
        self.values.append(value)
        self.true_ids.append(0)
        self.false_ids.append(0)
        return position

    def add_leaf(self, tree: int, weight: np.float32) -> int:
        position = self.add(tree, "LEAF", 0.0)
        self.leaf_tree_ids.append(tree)
        self.leaf_node_ids.append(self.node_ids[position])
        self.leaf_weights.append(float(weight))
        return position

    def branch(self, position: int, if_true: int, if_false: int) -> None:
        self.true_ids[position] = self.node_ids[if_true]
        self.false_ids[position] = self.node_ids[if_false]


def _ensemble(shapes: tuple[StepFunction, ...]) -> dict[str, list[int] | list[float] | list[str]]:
    nodes = _EnsembleNodes()
    for tree, shape in enumerate(shapes):
        # Everything but NaN is at most the largest float32, and NaN follows the false branch.
        root = nodes.add(tree, "BRANCH_LEQ", float(np.finfo(np.float32).max))
        search = _add_search(nodes, tree, shape, 0, len(shape.steps))
        nodes.branch(root, search, nodes.add_leaf(tree, shape.missing))
    return {
        "nodes_treeids": nodes.tree_ids,
        "nodes_nodeids": nodes.node_ids,
        "nodes_featureids": nodes.input_ids,
        "nodes_modes": nodes.modes,
        "nodes_values": nodes.values,
        "nodes_truenodeids": nodes.true_ids,
        "nodes_falsenodeids": nodes.false_ids,
        "nodes_missing_value_tracks_true": [0] * len(nodes.node_ids),
        "target_treeids": nodes.leaf_tree_ids,
        "target_nodeids": nodes.leaf_node_ids,
        "target_ids": nodes.leaf_tree_ids,
        "target_weights": nodes.leaf_weights,
    }


def _add_search(nodes: _EnsembleNodes, tree: int, shape: StepFunction, first: int, end: int) -> int:
    """Add the balanced search tree over ``steps[first:end]`` and give its root's position."""
    if end - first == 1:
        return nodes.add_leaf(tree, shape.steps[first])
    middle = (first + end) // 2
    position = nodes.add(tree, "BRANCH_LEQ", float(shape.thresholds[middle - 1]))
    below = _add_search(nodes, tree, shape, first, middle)
    nodes.branch(position, below, _add_search(nodes, tree, shape, middle, end))
    return position

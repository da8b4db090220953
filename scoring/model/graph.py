"""The ONNX graph at run time: inputs in; risk, its logit and each input's contribution out."""

import hashlib
from typing import NamedTuple

import numpy as np
import onnxruntime
from numpy.typing import NDArray


class GraphOutput(NamedTuple):
    """Outputs of the graph for n rows.

    Attributes
    ----------
    risk, logit
        Shape (n,): calibrated probability of a conflict, and its logit.
    contributions
        Shape (n, m): what each input adds to the logit.
    """

    risk: NDArray[np.float64]
    logit: NDArray[np.float64]
    contributions: NDArray[np.float64]


class ModelGraph:
    """An ONNX Runtime session of a serialised graph.

    Parameters
    ----------
    serialized
        What ``model.onnx`` holds.
    threads
        Threads of ONNX Runtime; 1, because workers and API processes are many, and a batch takes milliseconds.
    """

    def __init__(self, serialized: bytes, *, threads: int = 1) -> None:
        self.serialized = serialized
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(serialized, options, providers=["CPUExecutionProvider"])

    @property
    def sha256(self) -> str:
        """Hash the serialised graph."""
        return hashlib.sha256(self.serialized).hexdigest()

    def run(self, inputs: NDArray[np.float32]) -> GraphOutput:
        """Run the graph on model inputs, shape (n, m), NaN where unknown.

        The risk is computed from the logit here, though the graph has the logistic function too: the last bit of ONNX
        Runtime's depends on the row's place in its batch, and a row that is scored again must get the same risk.
        """
        logit, contributions = self._session.run(["logit", "contributions"], {"inputs": inputs})
        return GraphOutput(risk_of(logit), logit, contributions)


def risk_of(logit: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the probability of a logit, by the logistic function; shape kept."""
    return 1.0 / (1.0 + np.exp(-logit))

"""The model: what it is fed, how it is trained, exported, validated, and how it scores and explains.

At run time only ``inputs``, ``exposure``, ``metadata``, ``reasons`` and ``scorer`` are used: NumPy, pydantic and
ONNX Runtime. Everything else needs the ``train`` extra (scikit-learn, onnx).
"""

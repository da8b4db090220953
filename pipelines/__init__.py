"""Jobs around the core: simulation of a fleet, training, validation."""

from typing import Final

DEFAULT_SEED: Final = 20_260_302
"""Of the default model: the same seed and data give the same model."""

__all__ = ["DEFAULT_SEED"]

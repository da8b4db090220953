"""Base class of the settings of a component."""

from pydantic import BaseModel, ConfigDict


class Component(BaseModel):
    """Settings of one component: immutable; an unknown name is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)

"""The simulated floor: a pure generator of the events that a believable support operation would send."""

from stream.floor.mix import mix
from stream.floor.simulate import simulate

__all__ = ["mix", "simulate"]

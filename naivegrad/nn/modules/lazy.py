"""Lazy modules."""

from naivegrad.nn.lazy import LazyModuleMixin

__all__ = ["LazyModuleMixin"]

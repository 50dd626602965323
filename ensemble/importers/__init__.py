"""Importers: what a folder of photos says about them, whatever its layout."""

from ensemble.importers.values import Entry, MaskScale, Problem, Understood

__all__ = ["Entry", "MaskScale", "Problem", "Understood"]

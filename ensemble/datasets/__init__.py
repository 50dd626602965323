"""Labelled photos: collections, cleaning, splits, and what training reads of them."""

"""Frozen backbones, what they give for a photo, and its cache."""

"""How good a product is, whether a new version is better, and its model card."""

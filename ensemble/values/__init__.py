"""The nouns that every other room speaks of, and pure functions of text and numbers."""

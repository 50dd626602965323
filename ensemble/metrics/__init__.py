"""Pure functions of truth and scores."""

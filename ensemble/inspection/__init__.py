"""Photos become verdicts."""

"""What is kept of a product's inspections, and where that is changed."""


def show_keeping() -> None:
    """Say it."""

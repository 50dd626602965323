"""Pictures that the project draws itself: the sample product, and lessons for the bundled backbone."""

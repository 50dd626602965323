"""What a visitor has chosen and what was found for them: the only home of caches and session keys."""

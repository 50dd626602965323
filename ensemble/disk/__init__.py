"""Files that are whole or not there, names that stay below their folder, locks."""

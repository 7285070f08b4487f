"""Statistics about calls."""

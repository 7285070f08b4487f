"""Whether this process lives and can answer."""

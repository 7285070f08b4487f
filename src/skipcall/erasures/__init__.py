"""Everything that is known of a person: shown in one piece, and erased for good."""

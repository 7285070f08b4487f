"""Tags: what a person says of a call's outcome."""

"""The command line: for the operator, and for scripts."""

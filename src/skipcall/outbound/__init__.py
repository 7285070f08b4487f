"""Requests to other machines: what may be reached, and a client that reaches nothing else."""

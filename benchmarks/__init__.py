"""Figures of the running product, each beside its limit. See README.md; run it as `python3 run.py bench`."""

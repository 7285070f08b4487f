"""Figures of calls: lists, callbacks, files of an exchange, statistics, audio. Run it as `python3 run.py bench --calls`."""

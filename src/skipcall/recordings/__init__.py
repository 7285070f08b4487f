"""Recordings of calls: announced by providers or uploaded, kept in the storage, answered as audio."""

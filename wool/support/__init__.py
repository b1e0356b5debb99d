"""Helpers that any room may use, and that know nothing of calls, workers or pools."""

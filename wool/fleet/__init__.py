"""The parent's half of workers: where they come from, started, watched, replaced, ended."""

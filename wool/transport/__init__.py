"""How it travels: links between callers and workers, one carrier per file."""

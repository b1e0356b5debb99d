"""How values travel: by reference, or by value where nobody could import them (ADR 11)."""

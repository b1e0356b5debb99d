"""How what routines log comes to the process that called them."""

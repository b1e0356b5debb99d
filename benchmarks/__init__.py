"""How fast wool is, beside ProcessPoolExecutor in the same run (`make bench`) and others."""

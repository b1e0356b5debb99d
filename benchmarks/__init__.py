"""How fast wool is, as ratios to ProcessPoolExecutor in the same run: `python -m benchmarks`."""

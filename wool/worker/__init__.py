"""The child's half of workers: what runs in a worker's process."""

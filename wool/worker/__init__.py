"""The worker's process: how it is started and watched, and what runs in it."""

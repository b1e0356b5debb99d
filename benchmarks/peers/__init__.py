"""Other libraries that run functions in other processes, each through a small adapter."""

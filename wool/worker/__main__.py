"""`python -m wool.worker`: only ever started by a pool."""

from wool.worker.main import main

if __name__ == "__main__":
    main()

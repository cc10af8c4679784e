"""``python -m watchdog``: the same as ``db-watchdog``."""

from watchdog.cli import main

if __name__ == "__main__":
    main()

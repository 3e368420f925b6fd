"""Runs the ``vipgate`` command as ``python -m vipgate``."""

from vipgate.cli import main

if __name__ == "__main__":
    main()

"""Lets ``python -m vipgate`` stand in for the ``vipgate`` command."""

from vipgate.cli import main

if __name__ == "__main__":
    main()

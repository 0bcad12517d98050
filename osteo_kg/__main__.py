"""The command line, by its name or by `python -m osteo_kg`: from its first moments it can be stopped tidily."""

from __future__ import annotations

import sys

from osteo_kg.stopping import Stopped, stoppable


def run() -> None:
    """Run a command; one that is stopped while it loads says so."""
    try:
        with stoppable():
            from osteo_kg.cli.main import main

            main(prog_name="osteo-kg")
    except Stopped as stopped:
        print(f"osteo-kg: {stopped}", file=sys.stderr)
        raise


if __name__ == "__main__":
    run()

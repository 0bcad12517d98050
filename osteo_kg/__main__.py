"""The command line, by its name or by `python -m osteo_kg`: from its first moments it can be stopped tidily."""

from __future__ import annotations

import gc
import sys

from osteo_kg.stopping import Stopped, stoppable

_COLLECTED_AFTER = (200_000, 100, 100)  # new objects, and collections of the young and of the older ones


def run() -> None:
    """Run a command; one that is stopped while it loads says so.

    Unreachable cycles are looked for seldom: most objects stay to the end, and to look through them took a tenth of
    the time of a command.
    """
    gc.set_threshold(*_COLLECTED_AFTER)
    try:
        with stoppable():
            from osteo_kg.cli.main import main

            main(prog_name="osteo-kg")
    except Stopped as stopped:
        print(f"osteo-kg: {stopped}", file=sys.stderr)
        raise
    finally:
        gc.freeze()  # the process ends: what it holds need not be looked through once more


if __name__ == "__main__":
    run()

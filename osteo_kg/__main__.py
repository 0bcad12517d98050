"""The command line by `python -m osteo_kg`."""

from osteo_kg.cli.main import main

main()

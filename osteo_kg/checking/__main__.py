"""Writes the released tables anew: `python -m osteo_kg.checking`, at a release."""

from osteo_kg.checking.released import write

if __name__ == "__main__":
    write()

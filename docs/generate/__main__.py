"""Write every page of the reference anew: `make reference`."""

from __future__ import annotations

from docs.generate import pages

for path, text in pages():
    path.write_text(text, encoding="utf-8")

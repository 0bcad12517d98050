"""FHIR servers that may be called: those that whoever runs the service has named, and what lies below their addresses.

An address is compared in parts, never as text, and one that could be read in two ways is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urljoin

from osteo_kg import UsageError

_PORTS = {"https": 443, "http": 80}
_HIGHEST_PORT = 65535
_OWN_MACHINE = ("localhost", "127.0.0.1", "[::1]")
#: No name of a user, no dots that lead upwards, no escaped characters in the path, no fragment.
_ADDRESS = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:]+\])(?::(?P<port>[1-9][0-9]{0,4}))?"
    r"(?P<path>(?:/(?!\.{1,2}(?:[/?]|$))[A-Za-z0-9._~$-]+)*)/?(?P<query>\?[!\"$-\[\]-~]*)?",
    re.ASCII,
)
_ORIGIN = re.compile(r"[A-Za-z]+://[^/?#]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Address:
    """An address in its parts, the host in lower case and the port always said."""

    scheme: str
    host: str
    port: int
    path: str
    query: str

    @property
    def target(self) -> str:
        """What a request for it names."""
        return (self.path or "/") + self.query

    def __str__(self) -> str:
        """Write it out."""
        return f"{self.scheme}://{self.host}:{self.port}{self.target}"

    def covers(self, other: Address) -> bool:
        """Say whether another address is of the same origin, and is this one or lies below it."""
        same = (self.scheme, self.host, self.port) == (other.scheme, other.host, other.port)
        return same and f"{other.path}/".startswith(f"{self.path}/")


@dataclass(frozen=True, slots=True)
class Server:
    """A server that may be called.

    Attributes:
        base: where it is, as the caller has it.
        allowed: the address that was allowed, below which everything has to lie.
    """

    base: Address
    allowed: Address

    def at(self, query: str) -> Address | None:
        """Give the address of a query, such as `Patient/1`; None where it would lead elsewhere."""
        return self._inside(f"{self.base.scheme}://{self.base.host}:{self.base.port}{self.base.path}/{query}")

    def page(self, link: str, on: Address) -> Address | None:
        """Give the address that a page links to; None where it lies outside of what is allowed."""
        return self._inside(urljoin(str(on), link)) if _is_plain(link) else None

    def _inside(self, text: str) -> Address | None:
        found = read_address(text)
        return found if found is not None and self.allowed.covers(found) else None


class Servers:
    """The servers that may be called.

    Args:
        addresses: the address of each.

    Raises:
        UsageError: one is no address, or is not over https.
    """

    def __init__(self, addresses: Iterable[str]) -> None:
        self._allowed = tuple(_allowed(each) for each in addresses)

    def __bool__(self) -> bool:
        """Whether any may be called."""
        return bool(self._allowed)

    def of(self, text: str) -> Server | None:
        """Give the server at an address; None where it may not be called."""
        base = read_address(text)
        if base is None or base.query:
            return None
        return next((Server(base, each) for each in self._allowed if each.covers(base)), None)


def read_address(text: str) -> Address | None:
    """Read an address; None where it is none that can be read in one way only."""
    origin = _ORIGIN.match(text)
    lowered = text[: origin.end()].lower() + text[origin.end() :] if origin else text
    found = _ADDRESS.fullmatch(lowered)
    if found is None:
        return None
    scheme = found["scheme"]
    port = int(found["port"] or _PORTS[scheme])
    if port > _HIGHEST_PORT:
        return None
    return Address(scheme, found["host"], port, found["path"], found["query"] or "")


def _is_plain(link: str) -> bool:
    """Whether a link has none of the characters by which libraries read one address as another."""
    return link.isascii() and link.isprintable() and not set(link) & set(" \\")


def _allowed(text: str) -> Address:
    found = read_address(text)
    if found is None or found.query:
        raise UsageError(f"{text!r} is no address of a FHIR server.", advice="Write it as https://fhir.example/r4.")
    if found.scheme != "https" and found.host not in _OWN_MACHINE:
        raise UsageError(
            f"{text!r} is not over https.", advice="Name an address that begins with https://; http is for localhost."
        )
    return found

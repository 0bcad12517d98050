"""What ordinary clients wait while others only trickle: `python -m benchmarks.crowd`.

Each ordinary client asks a point query on a connection that is kept, and the next one as soon as it is answered. Each
of the others sends a head byte by byte, and begins anew when it is let go.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

import click

from benchmarks.peers import SERVERS, all_running
from benchmarks.service import WORKLOADS, triples

_HEAD = b"GET /sparql?query=ASK%20%7B%7D HTTP/1.1\r\nHost: trickling\r\nAccept: */*\r\n"
_CONNECTED = 30.0  # seconds
_ANSWERED = 60.0  # seconds after which an answer is lost


@dataclass
class Waits:
    """What became of the requests of the ordinary clients.

    Attributes:
        seconds: how long each answer took.
        lost: what came in the place of an answer.
    """

    seconds: list[float] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


async def crowd(url: str, queries: list[str], *, ordinary: int, trickling: int, seconds: float) -> Waits:
    """Let clients of both kinds loose on a server.

    Args:
        url: where queries are sent.
        queries: what is asked.
        ordinary: how many clients ask.
        trickling: how many only seem to.
        seconds: for how long.
    """
    waits, requests = Waits(), itertools.cycle(_requests(url, queries))
    slow = [asyncio.create_task(_trickle(url)) for _ in range(trickling)]
    await asyncio.sleep(1)
    end = time.perf_counter() + seconds
    await asyncio.gather(*(_ask(url, requests, waits, end) for _ in range(ordinary)))
    for each in slow:
        each.cancel()
    await asyncio.gather(*slow, return_exceptions=True)
    return waits


def _requests(url: str, queries: list[str]) -> list[bytes]:
    address = urlsplit(url)
    return [
        f"GET {address.path}?query={quote(query)} HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode()
        for query in queries
    ]


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    address = urlsplit(url)
    reader, writer = await asyncio.wait_for(asyncio.open_connection(address.hostname, address.port), _CONNECTED)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def _ask(url: str, requests: itertools.cycle[bytes], waits: Waits, end: float) -> None:
    try:
        async with _connected(url) as (reader, writer):
            while time.perf_counter() < end:
                start = time.perf_counter()
                writer.write(next(requests))
                status = await asyncio.wait_for(_answer(reader), _ANSWERED)
                waits.seconds.append(time.perf_counter() - start)
                if status != b"200":
                    waits.lost.append(status.decode())
    except (OSError, EOFError, TimeoutError) as error:
        waits.lost.append(repr(error))


async def _answer(reader: asyncio.StreamReader) -> bytes:
    """Read an answer to its end, and give its status."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
    await reader.readexactly(length)
    return head[9:12]


async def _trickle(url: str) -> None:
    while True:
        with suppress(OSError, EOFError, TimeoutError):
            async with _connected(url) as (_, writer):
                for byte in itertools.cycle(_HEAD):
                    writer.write(bytes([byte]))
                    await writer.drain()
                    await asyncio.sleep(0.5)


@click.command()
@click.option("--ordinary", default=200, show_default=True, help="Clients that ask.")
@click.option("--trickling", default=500, show_default=True, help="Clients that send a byte at a time.")
@click.option("--seconds", default=60.0, show_default=True, help="For how long.")
@click.option("--server", type=click.Choice(list(SERVERS)), default="osteo-kg", show_default=True)
def main(ordinary: int, trickling: int, seconds: float, server: str) -> None:
    """Measure, and print what was waited."""
    with all_running("\n".join(triples()) + "\n", (server,)) as [running]:
        waits = asyncio.run(
            crowd(running.url, WORKLOADS["point"], ordinary=ordinary, trickling=trickling, seconds=seconds)
        )
        memory = running.memory()
    if not waits.seconds[1:]:
        raise SystemExit(f"Nobody was answered: {dict.fromkeys(waits.lost)}.")
    cut = statistics.quantiles(waits.seconds, n=100)
    click.echo(
        f"{len(waits.seconds):,} answers in {seconds:g} s, {len(waits.lost)} lost; median {cut[49]:.3f} s, "
        f"99 % {cut[98]:.3f} s, slowest {max(waits.seconds):.3f} s; {memory:.0f} MiB; load {os.getloadavg()[0]:.1f}"
    )
    for each in dict.fromkeys(waits.lost):
        click.echo(f"lost: {each}")


if __name__ == "__main__":
    main()

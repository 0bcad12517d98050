"""The unit and the image are as strict as they say, and name what the service knows."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest

from osteo_kg_server.command import serve
from tests.support.worked import ROOT

pytestmark = pytest.mark.server


UNIT, IMAGE = ROOT / "deploy" / "osteo-kg.service", ROOT / "deploy" / "Dockerfile"
GUIDE = (ROOT / "docs" / "how-to" / "run-in-production.md").read_text(encoding="utf-8")
HARDENED = {
    "DynamicUser": "yes",
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX",
    "MemoryDenyWriteExecute": "yes",
    "CapabilityBoundingSet": "",
    "UMask": "0077",
    "KillMode": "mixed",
}
FLAGS = {flag for parameter in serve.params for flag in (*parameter.opts, *parameter.secondary_opts)}
VARIABLES = {f"OSTEO_KG_{(each.name or '').upper()}" for each in serve.params} | {"OSTEO_KG_CACHE"}


def _service() -> dict[str, str]:
    unit = ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(UNIT, encoding="utf-8")
    return dict(unit["Service"])


def _instructions() -> list[tuple[str, str]]:
    text = re.sub(r"\\\n\s*", " ", IMAGE.read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in lines]


def test_the_unit_confines_the_service() -> None:
    service = _service()
    assert {name: service.get(name) for name in HARDENED} == HARDENED
    assert service["StateDirectory"] in service["ExecStart"] or "STATE_DIRECTORY" in service["ExecStart"]
    assert re.fullmatch(r"\d+G", service["MemoryMax"])


def test_the_unit_waits_for_the_longest_query() -> None:
    deadline = next(each.default for each in serve.params if each.name == "timeout")
    assert isinstance(deadline, float)
    assert int(_service()["TimeoutStopSec"]) > deadline + 5


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not on this machine")
def test_systemd_reads_the_unit(tmp_path: Path) -> None:
    text = UNIT.read_text(encoding="utf-8").replace("/opt/osteo-kg/bin/osteo-kg", "/bin/true")
    (tmp_path / UNIT.name).write_text(text, encoding="utf-8")
    command = ["systemd-analyze", "verify", "--man=no", str(tmp_path / UNIT.name)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert [line for line in run.stderr.splitlines() if UNIT.name in line] == []


def test_the_image_runs_the_wheel_as_nobody_in_particular() -> None:
    instructions = _instructions()
    names = [name for name, _ in instructions]
    known = {"FROM", "COPY", "RUN", "USER", "ENV", "VOLUME", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD"}
    assert set(names) <= known
    assert names[0] == "FROM"
    assert dict(instructions)["USER"] not in ("root", "0")
    assert names.index("USER") < names.index("ENTRYPOINT")
    assert "*.whl" in dict(instructions)["COPY"]
    assert "curl" not in dict(instructions)["HEALTHCHECK"]


def test_every_flag_and_variable_that_is_shown_is_known() -> None:
    texts = {"unit": UNIT.read_text(encoding="utf-8"), "image": IMAGE.read_text(encoding="utf-8"), "guide": GUIDE}
    for name, text in texts.items():
        assert set(re.findall(r"OSTEO_KG_\w+", text)) - VARIABLES == set(), name
    assert {each for each in shlex.split(_service()["ExecStart"]) if each.startswith("--")} - FLAGS == set()
    assert set(re.findall(r"`(--[\w-]+)", GUIDE)) - FLAGS == set()


def test_every_figure_of_the_guide_is_given_and_every_one_given_is_there() -> None:
    source = (ROOT / "server" / "osteo_kg_server" / "metrics.py").read_text(encoding="utf-8")
    given = set(re.findall(r'"(osteo_kg_\w+)"', source)) - {"osteo_kg_metrics"}
    assert {name.removesuffix("_total") for name in re.findall(r"`(osteo_kg_\w+)`", GUIDE)} == given

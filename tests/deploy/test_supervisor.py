"""Real child processes: started in order, restarted when they die, stopped in reverse."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from deploy.local.supervisor import Child, Part, PartFailed, minded
from deploy.local.voice import Voice


class Heard(Voice):
    """A voice that remembers what it said."""

    def __init__(self) -> None:
        super().__init__(Console(quiet=True))
        self.lines: list[str] = []

    def say(self, part: str, sentence: str) -> None:
        self.lines.append(f"{part}: {sentence}")


def part(tmp_path: Path, name: str, program: str, timeout_s: float = 20) -> Part:
    """A Python program that is ready once it wrote its pid to NAME.pid."""
    pid_file = tmp_path / f"{name}.pid"

    async def ready() -> str | None:
        return f"ready as {pid_file.read_text()}" if pid_file.exists() else None

    opening = f"import os, pathlib, sys, time, signal; pid = pathlib.Path({str(pid_file)!r})\n"
    opening += "def here(): pid.with_suffix('.new').write_text(str(os.getpid())); "
    opening += "pid.with_suffix('.new').rename(pid)\n"
    return Part(name, [sys.executable, "-c", opening + program], {"ASKED": name},
                tmp_path / f"{name}.log", ready, timeout_s=timeout_s)  # fmt: skip


async def eventually(true: Callable[[], bool], within_s: float = 15) -> None:
    async with asyncio.timeout(within_s):
        while not true():
            await asyncio.sleep(0.02)


STAYS = "here(); time.sleep(60)"


async def test_parts_start_in_order_and_stop_in_reverse(tmp_path: Path) -> None:
    voice = Heard()
    note = tmp_path / "ended"
    program = (
        f"def bye(*_): open({str(note)!r}, 'a').write(os.environ['ASKED'] + ' '); sys.exit()\n"
        "signal.signal(signal.SIGTERM, bye)\n" + STAYS
    )
    parts = [part(tmp_path, "first", program), part(tmp_path, "second", program)]
    async with minded(parts, voice):
        names = [line.split(":")[0] for line in voice.lines if "ready" in line]
        assert names == ["first", "second"]
    assert note.read_text() == "second first "


async def test_a_child_that_dies_is_started_again_and_it_is_said(tmp_path: Path) -> None:
    voice = Heard()
    child = Child(part(tmp_path, "bot", STAYS), voice, back_off_s=(0.05,))
    await child.start()
    first = int((tmp_path / "bot.pid").read_text())
    (tmp_path / "bot.pid").unlink()
    os.kill(first, signal.SIGKILL)
    await eventually(lambda: sum("ready as" in line for line in voice.lines) == 2)
    second = int((tmp_path / "bot.pid").read_text())
    await child.stop()
    assert second != first
    assert "bot: was killed by signal 9; starting it again in 0.05 s" in voice.lines
    with pytest.raises(ProcessLookupError):
        os.kill(second, 0)


async def test_what_a_killed_child_had_started_does_not_outlive_it(tmp_path: Path) -> None:
    note = tmp_path / "grandchild"
    program = (
        "import subprocess; engine = subprocess.Popen(['sleep', '60'])\n"
        f"open({str(note)!r}, 'w').write(str(engine.pid))\n" + STAYS
    )
    child = Child(part(tmp_path, "inference", program), Heard(), back_off_s=(30,))
    await child.start()
    engine = int(note.read_text())
    os.kill(int((tmp_path / "inference.pid").read_text()), signal.SIGKILL)
    await eventually(lambda: gone(engine))
    await child.stop()
    assert gone(engine)


def gone(pid: int) -> bool:
    """Not there, or dead and not collected yet by whoever inherits orphans here."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


async def test_a_part_that_ends_at_once_fails_with_its_last_words(tmp_path: Path) -> None:
    broken = part(tmp_path, "inference", "print('the port is taken'); sys.exit(1)")
    with pytest.raises(PartFailed, match="inference ended at once: the port is taken"):
        async with minded([broken], Heard()):
            pytest.fail("it never became ready")


async def test_what_started_is_stopped_when_a_later_part_fails(tmp_path: Path) -> None:
    parts = [part(tmp_path, "redis", STAYS), part(tmp_path, "bot", "sys.exit(3)")]
    with pytest.raises(PartFailed):
        async with minded(parts, Heard()):
            pytest.fail("it never became ready")
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "redis.pid").read_text()), 0)


async def test_a_part_that_never_gets_ready_is_given_up(tmp_path: Path) -> None:
    silent = part(tmp_path, "inference", "time.sleep(60)", timeout_s=0.5)
    with pytest.raises(PartFailed, match=r"was not ready after 0 s; see .*inference\.log"):
        async with minded([silent], Heard()):
            pytest.fail("it never became ready")


async def test_a_child_is_told_by_environment_only(tmp_path: Path) -> None:
    child = Child(part(tmp_path, "bot", "print(os.environ['ASKED'], flush=True);" + STAYS), Heard())
    await child.start()
    await child.stop()
    assert "bot\n" in (tmp_path / "bot.log").read_text()

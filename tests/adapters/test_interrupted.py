"""An import that is interrupted goes on where it stopped, and two at once do not mix."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.consent import revoking
from adapters.dataset import clean, kept, store
from adapters.dataset.kept import Unfinished
from adapters.errors import AdaptersError, NotWritable
from adapters.imports import import_chat
from adapters.messages import untold
from adapters.registry import Registry
from tests.adapters.conftest import long_chat
from tests.bench.importing import write_chat

Export = Callable[..., Path]
BATCH = 256
ROOT = Path(__file__).parents[2]
IMPORT = """
import os, signal, sys
from pathlib import Path
from adapters.dataset import clean, kept, roll, scratch, store, veiled
from adapters.imports import import_chat
path, home, every_s, batch, point, after = sys.argv[1:]
kept.EVERY_S, clean.BATCH, veiled.PIECE = float(every_s), int(batch), int(batch)
left = int(after)
def or_killed(does):
    def done(*args, **named):
        global left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
        return does(*args, **named)
    return done
if point:
    module, kind, method = point.split(".")
    owner = getattr(globals()[module], kind)
    setattr(owner, method, or_killed(getattr(owner, method)))
report = import_chat("whatsapp", Path(path), "maya", ["Maya"], Path(home),
                     tell=lambda sentence: print(sentence, file=sys.stderr, flush=True))
print(report.model_dump_json(exclude={"imported_at"}))
"""


def process(path: Path, home: Path, every_s: float, batch: int, *point: str) -> list[str]:
    """An import in a process of its own, which may be killed in a call of this method."""
    asked = [str(every_s), str(batch), *(point or ("", "0"))]
    return [sys.executable, "-c", IMPORT, str(path), str(home), *asked]


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def rows(home: Path) -> list[bytes]:
    folder = store.folder(home, "maya")
    return [(folder / name).read_bytes() for name in (store.TRAIN, store.HELD_OUT)]


def left(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "datasets").iterdir() if path.is_dir())


def talk() -> list[str]:
    """A long chat with what rules drop and with names and addresses that are replaced."""
    lines = long_chat(330)
    for n in range(0, len(lines), 9):
        stamp = lines[n].partition(" - ")[0]
        lines[n] = f"{stamp} - Tom: My friend Petra said so, ask petra{n}@web.example"
        lines[n + 1] = f"{stamp} - Maya: Petra says the same long thing about tea on every day"
        lines[n + 2] = f"{stamp} - Tom: ok"
    return lines


def interrupt(export: Path, home: Path, share: float = 0.9, **options: object) -> list[str]:
    """Ctrl-C when so much is read; what the user was told."""
    told: list[str] = []

    def watch(read: float) -> None:
        if read >= share:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_chat("whatsapp", export, "maya", ["Maya"], home, watch=watch, tell=told.append,
                    **options)  # type: ignore[arg-type]  # fmt: skip
    return told


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checkpoints after every few messages."""
    monkeypatch.setattr(kept, "EVERY_S", 0)
    monkeypatch.setattr(clean, "BATCH", BATCH)


def test_an_import_killed_again_and_again_ends_as_one_that_was_not(
    export: Export, tmp_path: Path
) -> None:
    path = export(*talk())
    whole = run(*process(path, tmp_path, 0, BATCH))
    wanted = rows(tmp_path)
    there = []
    for point, after in (
        ("roll.Roll.number", 1),
        ("roll.Roll.number", 700),
        ("roll.Roll.number", 700),
        ("scratch.Scratch.arrange", 1),
        ("store.Rows.add", 100),
        ("store.Rows.digest", 1),
        ("store.Rows.describe", 1),
    ):
        killed = run(*process(path, tmp_path, 0, BATCH, point, str(after)))
        assert (killed.returncode, rows(tmp_path)) == (-9, wanted), killed.stderr
        there.append(killed.stderr.strip().rpartition(": ")[2])
    assert (
        there
        == ["", "", *(f"{n:,} messages are there already" for n in (512, 1024))][:4]
        + ["1,650 messages are there already"] * 3
    )
    (store.folder(tmp_path, "maya") / store.TRAIN).write_bytes(b"")
    done = run(*process(path, tmp_path, 0, BATCH))
    assert (done.stdout, rows(tmp_path)) == (whole.stdout, wanted)
    assert left(tmp_path) == ["maya"]


@pytest.mark.usefixtures("often")
def test_who_interrupts_is_told_that_it_goes_on(export: Export, tmp_path: Path) -> None:
    path = export(*talk())
    assert interrupt(path, tmp_path) == ["interrupted; the same command goes on where it stopped"]
    scratch = tmp_path / "datasets" / ".maya.import"
    assert scratch.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in scratch.iterdir()} == {0o600}
    told: list[str] = []
    report = import_chat("whatsapp", path, "maya", ["Maya"], tmp_path, tell=told.append)
    assert told[0].startswith("going on where it stopped: 1,")
    assert left(tmp_path) == ["maya"]
    again = import_chat("whatsapp", path, "maya", ["Maya"], tmp_path, tell=told.append)
    assert (again.digest, len(told)) == (report.digest, 1)


def test_an_interruption_before_anything_was_kept_leaves_nothing(
    export: Export, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    assert interrupt(export(*talk()), home, share=0) == []
    assert not home.exists()


@pytest.mark.usefixtures("often")
@pytest.mark.parametrize("other", ["changed", "options", "another"])
def test_what_was_read_of_something_else_is_not_used(
    export: Export, tmp_path: Path, other: str
) -> None:
    path = export(*talk())
    interrupt(path, tmp_path)
    options = {"keep": ["noise"]} if other == "options" else {}
    if other != "options":
        path = export(*long_chat(), name="chat.txt" if other == "changed" else "another.txt")
    told: list[str] = []
    found = import_chat("whatsapp", path, "maya", ["Maya"], tmp_path, tell=told.append, **options)
    assert told == [
        "an interrupted import of something else, or with other options, is forgotten; "
        "this one begins at the beginning"
    ]
    fresh = import_chat("whatsapp", path, "maya", ["Maya"], tmp_path, **options)
    assert found.digest == fresh.digest


@pytest.mark.usefixtures("often")
@pytest.mark.parametrize("share", [0.0, 0.2, 0.4, 0.6, 0.8, 0.95])
def test_what_is_damaged_is_removed_with_a_sentence(
    export: Export, tmp_path: Path, share: float
) -> None:
    path = export(*talk())
    wanted = import_chat("whatsapp", path, "maya", ["Maya"], tmp_path)
    interrupt(path, tmp_path)
    file = tmp_path / "datasets" / ".maya.import" / kept.DATABASE
    data = bytearray(file.read_bytes())
    place = int(share * len(data))
    data[place : place + 3000] = random.Random(share).randbytes(3000)
    file.write_bytes(data)
    told: list[str] = []
    try:
        found = import_chat("whatsapp", path, "maya", ["Maya"], tmp_path, tell=told.append)
    except NotWritable as error:
        told.append(str(error))
        found = import_chat("whatsapp", path, "maya", ["Maya"], tmp_path)
    assert "damaged" in told[-1] or told[-1].startswith("going on")
    assert found.digest == wanted.digest
    assert left(tmp_path) == ["maya"]


@pytest.mark.usefixtures("often")
def test_what_never_went_on_is_removed_after_a_day(export: Export, tmp_path: Path) -> None:
    path = export(*talk())
    interrupt(path, tmp_path)
    scratch = tmp_path / "datasets" / ".maya.import"
    import_chat("whatsapp", path, "tom", ["Tom"], tmp_path)
    assert scratch.exists()
    for file in (*scratch.iterdir(), scratch):
        os.utime(file, (0, 0))
    import_chat("whatsapp", path, "tom", ["Tom"], tmp_path)
    assert left(tmp_path) == ["tom"]


@pytest.mark.usefixtures("often")
def test_a_withdrawal_removes_what_an_interrupted_import_has_left(
    export: Export, tmp_path: Path
) -> None:
    interrupt(export(*talk()), tmp_path)

    def registry() -> Registry:
        return Registry(tmp_path / "registry")

    for only_look, there in ((True, [".maya.import"]), (False, [])):
        with pytest.raises(AdaptersError):  # nobody knows of her yet
            revoking.revoke(tmp_path, registry, "Petra", only_look=only_look)
        assert left(tmp_path) == there


def test_a_wrong_request_leaves_nothing(export: Export, tmp_path: Path) -> None:
    home = tmp_path / "home"
    with pytest.raises(AdaptersError, match="does not speak"):
        import_chat("whatsapp", export(*talk()), "maya", ["Ann"], home)
    assert not home.exists()


def test_a_second_import_of_a_persona_waits_and_says_so(export: Export, tmp_path: Path) -> None:
    path, waits = export(*long_chat()), threading.Event()
    told: list[str] = []

    def tell(sentence: str) -> None:
        told.append(sentence)
        waits.set()

    second = threading.Thread(
        target=import_chat,
        args=("whatsapp", path, "maya", ["Maya"], tmp_path),
        kwargs={"tell": tell},
    )
    with kept.kept(tmp_path / "datasets", Unfinished("maya", "held", untold), ""):
        import_chat("whatsapp", path, "tom", ["Tom"], tmp_path)
        second.start()
        assert waits.wait(60)
        assert store.names(tmp_path) == ["tom"]
    second.join(60)
    assert told == ["another import of this persona is under way; this one waits until it is done"]
    assert left(tmp_path) == ["maya", "tom"]


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_no_moment_to_be_killed_at_changes_the_dataset(tmp_path: Path) -> None:
    path, draw, kills = tmp_path / "chat.txt", random.Random(5), 0
    write_chat(path, 30_000)
    command = process(path, tmp_path, 0.05, 1024)
    began = time.monotonic()
    whole = run(*command)
    took_s, wanted = time.monotonic() - began, rows(tmp_path)
    while kills < 40:
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as killed:
            try:
                killed.wait(draw.uniform(0.1, took_s))
            except subprocess.TimeoutExpired:
                killed.kill()
                kills += 1
        assert rows(tmp_path) == wanted
    done = run(*command)
    assert (done.stdout, rows(tmp_path)) == (whole.stdout, wanted)
    assert left(tmp_path) == ["maya"]

"""`understudy export` as a person runs it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.test_front_door import SAMPLE, understudy


def test_a_dataset_is_exported_and_the_other_tools_command_is_named(tmp_path: Path) -> None:
    imported = understudy(
        "import", "whatsapp", str(SAMPLE), "--persona", "maya", "--speaker", "Maya", "--consent",
        cwd=tmp_path,
    )  # fmt: skip
    assert imported.returncode == 0
    folder = tmp_path / "data" / "exports" / "maya"
    done = understudy("export", "maya", "--to", "axolotl", "--to", "openai", cwd=tmp_path)
    assert done.returncode == 0
    shown = done.stdout.splitlines()
    assert [line.partition(":")[0] for line in shown] == [
        str(folder / "axolotl"),
        str(folder / "openai"),
    ]
    assert f"next: cd {folder / 'axolotl'} && axolotl train axolotl.yaml" in done.stderr
    assert (folder / "axolotl" / "axolotl.yaml").is_file()
    done = understudy("export", "maya", "--to", "all", "--out", "elsewhere", "--json", cwd=tmp_path)
    assert done.stderr == ""
    told = json.loads(done.stdout)
    assert len(told) == 6
    for exported in told:
        assert (tmp_path / exported["folder"]).parent == tmp_path / "elsewhere"
        assert exported["train"] > exported["validation"] > 0

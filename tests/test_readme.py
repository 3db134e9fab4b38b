"""The README against the code: its tree and its commands are those there are.

`python -m tests.test_readme` writes the tree anew.
"""

import ast
import re
from pathlib import Path

import pytest
import typer

import understudy
from deploy.local.settings import PROJECT

README = PROJECT / "README.md"
BEGIN, END = "<!-- tree -->\n", "<!-- end of tree -->"
PACKAGES = ("understudy", "bot", "inference_server", "adapters", "deploy")
CAPTION_COLUMN = 34


def caption(path: Path) -> str:
    said = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    return said.split("\n\n")[0].replace("\n", " ").rstrip(".")


def tree() -> str:
    """Every source file of the packages with the first sentence of its docstring."""
    lines: list[str] = []
    for package in PACKAGES:
        for folder in sorted({path.parent for path in (PROJECT / package).rglob("*.py")}):
            name = folder.relative_to(PROJECT)
            depth = "  " * (len(name.parts) - 1)
            about = folder / "__init__.py"
            lines.append(f"{depth + name.name + '/':{CAPTION_COLUMN}}{caption(about)}")
            for path in sorted(folder.glob("*.py")):
                if path.name != "__init__.py":
                    lines.append(f"{depth + '  ' + path.name:{CAPTION_COLUMN}}{caption(path)}")
    return "\n".join(line.rstrip() for line in lines)


def block() -> str:
    return f"{BEGIN}```\n{tree()}\n```\n"


def test_the_readme_captions_every_source_file() -> None:
    text = README.read_text("utf-8")
    shown = text[text.index(BEGIN) : text.index(END)]
    assert shown == block(), "run `python -m tests.test_readme` to write the tree anew"


def test_the_readme_names_every_command_and_no_other() -> None:
    group: object = typer.main.get_command(understudy.app)
    commands = set(group.commands)  # type: ignore[attr-defined]
    named = set(
        re.findall(r"(?:^|[ /])understudy (?!COMMAND)([a-z]+)\b", README.read_text("utf-8"))
    )
    assert commands <= named
    assert named - commands <= {"is", "learns", "chat"}


@pytest.mark.parametrize("target", re.findall(r"\]\((?!http)([^)#]+)\)", README.read_text("utf-8")))
def test_what_the_readme_links_to_is_there(target: str) -> None:
    assert (PROJECT / target).exists()


if __name__ == "__main__":
    before = README.read_text("utf-8")
    README.write_text(
        before[: before.index(BEGIN)] + block() + before[before.index(END) :], "utf-8"
    )

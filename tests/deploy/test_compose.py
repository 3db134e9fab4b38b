"""The compose files and Dockerfiles: by the schema, and by what the code really has.

No Docker engine runs in the tests, so what the files say is checked against the code instead.
"""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from ruamel.yaml import YAML

import understudy
from bot.settings import Settings as Bot
from deploy.local.settings import LIBRARIES, PROJECT
from deploy.local.settings import Settings as Local
from inference_server.settings import ServerSettings

FILES = ("docker-compose.yml", "deploy/compose.gpu.yml")
DOCKERFILES = ("deploy/bot.Dockerfile", "deploy/inference.Dockerfile")


def services(file: str) -> dict[str, Any]:
    parsed: dict[str, Any] = YAML(typ="safe").load(PROJECT / file)["services"]
    return parsed


def parses(command: list[str]) -> None:
    """Raises where our command line would not take it; runs nothing."""
    program, name, *arguments = command
    assert program == "understudy"
    group: Any = typer.main.get_command(understudy.app)
    group.commands[name].make_context(name, arguments)


@pytest.mark.parametrize("file", FILES)
def test_a_compose_file_fits_the_schema(file: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", file],
        cwd=PROJECT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_schema_check_would_notice_a_mistake(tmp_path: Path) -> None:
    broken = tmp_path / "compose.yml"
    broken.write_text("services: {bot: {imaeg: x}}\n")
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec",
         str(broken)],
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1


@pytest.mark.parametrize("service", ["bot", "inference"])
def test_the_commands_and_settings_of_a_service_exist(service: str) -> None:
    described = services("docker-compose.yml")[service]
    parses(described["command"])
    known = {n.upper() for m in (Local, Bot, ServerSettings) for n in m.model_fields}
    environment = described["environment"]
    assert {name for name in environment if not name.startswith(LIBRARIES)} <= known
    wanted = {m for v in environment.values() if v for m in re.findall(r"\$\{(\w+)", v)}
    assert wanted <= known
    assert (PROJECT / described["build"]["dockerfile"]).is_file()


def test_a_command_that_does_not_exist_is_noticed() -> None:
    with pytest.raises(KeyError):
        parses(["understudy", "server"])
    with pytest.raises(Exception, match="valid integer"):
        parses(["understudy", "serve", "--port", "many"])


@pytest.mark.parametrize("file", DOCKERFILES)
def test_a_dockerfile_copies_what_is_there_and_starts_what_exists(file: str) -> None:
    text = (PROJECT / file).read_text("utf-8").replace("\\\n", " ")
    copied = [
        source
        for line in text.splitlines()
        if line.startswith("COPY ")
        for source in shlex.split(line)[1:-1]
    ]
    assert copied
    assert [name for name in copied if not (PROJECT / name).exists()] == []
    packages = {path.parent.name for path in PROJECT.glob("*/__init__.py")} - {"tests"}
    assert packages <= set(copied)
    for requirements in re.findall(r"requirements/[\w-]+\.txt", text):
        assert (PROJECT / requirements).is_file()
    parses(json.loads(re.findall(r"^CMD (.+)$", text, re.MULTILINE)[-1]))


def test_the_gpu_file_names_a_role_that_is_compiled() -> None:
    role = services("deploy/compose.gpu.yml")["inference"]["build"]["args"]["ROLE"]
    assert (PROJECT / "requirements" / f"{role}.txt").is_file()


def test_nothing_but_a_person_opens_a_port_to_the_outside() -> None:
    published = [name for name, s in services("docker-compose.yml").items() if "ports" in s]
    assert published == []

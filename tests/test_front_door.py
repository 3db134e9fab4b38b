"""The command line as other programs see it: exit statuses, sentences, JSON."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.settings import PROJECT
from deploy.local.settings import Settings as Local

NAMES = ("up", "chat", "serve", "bot", "doctor", "personas", "import", "speakers", "report",
         "questions", "export", "train", "publish", "rollback", "consent")  # fmt: skip


IMPORT = ("import", "whatsapp", "gone.txt", "--persona", "m", "--speaker", "M")
SAMPLE = PROJECT / "adapters" / "samples" / "maya-and-tom.txt"


def understudy(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    ours = {name.upper() for name in Local.model_fields}
    inherited = {k: v for k, v in os.environ.items() if k not in ours}
    return subprocess.run(
        [sys.executable, "-m", "understudy", *arguments],
        cwd=cwd,
        env={**inherited, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_help_names_every_command_and_imports_nothing_heavy(tmp_path: Path) -> None:
    program = (
        "import sys, understudy\n"
        "try: understudy.app(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'vllm', 'transformers', 'discord', 'openai', 'pydantic'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stderr.strip() == "[]"
    for name in NAMES:
        assert f"\n  {name} " in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["train"],
        ["export", "maya"],
        ["import", "whatsapp"],
        ["import", "csv", "x", "--persona", "m", "--speaker", "M", "--column", "at"],
    ],
)
def test_wrong_usage_exits_with_2(tmp_path: Path, arguments: list[str]) -> None:
    assert understudy(*arguments, cwd=tmp_path).returncode == 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["import", "whatsapp", "gone.txt", "--persona", "m", "--speaker", "M"], "gone.txt"),
        (["import", "icq", "x.txt", "--persona", "m", "--speaker", "M"], "there is: auto, "),
        (["import", "--detect", "gone.txt"], "gone.txt"),
        ([*IMPORT, "--from", "soon"], "2013-05"),
        ([*IMPORT, "--keep", "links"], "there is: media-only, "),
        (["speakers", "gone.txt"], "gone.txt"),
        (["questions", "maya", "--model", "m"], "understudy import"),
        (["train", "maya"], "understudy import"),
        (["export", "maya", "--to", "openai"], "understudy import"),
        (["export", "maya", "--to", "icq"], "there is: openai, "),
        (["publish", "maya"], "understudy train"),
        (["rollback", "maya"], "there is no persona 'maya'"),
        (["publish", "../evil"], "can't be a persona's name"),
        (["bot"], "DISCORD_TOKEN"),
    ],
)
def test_a_mistake_is_one_sentence_and_exits_with_1(
    tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    done = understudy(*arguments, cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_speakers_are_listed_and_an_era_of_one_is_imported(tmp_path: Path) -> None:
    listed = json.loads(understudy("speakers", str(SAMPLE), "--json", cwd=tmp_path).stdout)
    assert [one["name"] for one in listed] == ["Tom", "Maya"]
    done = understudy(
        "import", "whatsapp", str(SAMPLE), "--persona", "maya", "--speaker", "Maya",
        "--from", "2015", "--until", "2016-05", "--keep", "noise", "--json",
        cwd=tmp_path, UNDERSTUDY_HOME=str(tmp_path / "home"),
    )  # fmt: skip
    report = json.loads(done.stdout)
    assert done.stderr == ""
    assert report["first"] >= "2015"
    assert report["last"] < "2016-06"
    assert report["cleaned"]["outside of the time asked for"] > 1000
    assert report["kept"] == sum(one["messages"] for one in listed)


def test_personas_of_an_empty_home_is_an_empty_list(tmp_path: Path) -> None:
    done = understudy("personas", "--json", cwd=tmp_path)
    assert done.returncode == 0
    assert json.loads(done.stdout) == []


def test_a_setting_that_makes_no_sense_is_named_and_not_repeated(tmp_path: Path) -> None:
    done = understudy("doctor", cwd=tmp_path, UNDERSTUDY_START_TIMEOUT_S="s3cret")
    assert done.returncode == 1
    assert "UNDERSTUDY_START_TIMEOUT_S" in done.stderr
    assert "s3cret" not in done.stdout + done.stderr


UNFIT = {"LIMIT_MESSAGES_PER_MINUTE": "s3cret", "MAX_BODY_MB": "0", "INFERENCE_URL": "s3cret"}


@pytest.mark.parametrize("arguments", [["up"], ["chat", "--once", "hi"], ["doctor"]])
def test_settings_of_every_part_are_checked_before_one_is_started(
    tmp_path: Path, arguments: list[str]
) -> None:
    done = understudy(*arguments, cwd=tmp_path, COLUMNS="200", **UNFIT)
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert "LIMIT_MESSAGES_PER_MINUTE should be a valid integer" in said
    assert "MAX_BODY_MB should be greater than 0" in said
    assert "INFERENCE_URL must begin with http://" in said
    assert ".env.example" in said
    assert "s3cret" not in said.replace("s3cret: Request URL", "")  # doctor shows an address
    assert not (tmp_path / "data").exists()


def test_doctor_says_what_is_broken_and_what_to_do(tmp_path: Path) -> None:
    done = understudy(
        "doctor",
        "--json",
        cwd=tmp_path,
        BASE_MODEL=str(tmp_path / "nothing"),
        REDIS_URL="redis://:hunter2@127.0.0.1:1/0",
        INFERENCE_URL="http://127.0.0.1:1",
        DISCORD_TOKEN="t0ken",
        DISCORD_API_URL="http://127.0.0.1:1/api/v10",
    )
    findings = {finding["what"]: finding for finding in json.loads(done.stdout)}
    broken = {what for what, finding in findings.items() if finding["state"] == "broken"}
    assert done.returncode == 1
    assert broken == {"base model", "Redis", "inference", "Discord"}
    assert all(findings[what]["do"] for what in broken)
    assert "hunter2" not in done.stdout
    assert "t0ken" not in done.stdout


def test_consent_is_granted_listed_and_revoked_from_the_command_line(tmp_path: Path) -> None:
    sample = str(PROJECT / "adapters" / "samples" / "maya-and-tom.txt")
    who = ("--persona", "maya", "--speaker", "Maya")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return understudy(*arguments, cwd=tmp_path, COLUMNS="200")

    done = run("import", "whatsapp", sample, *who)
    grant = "understudy consent grant Maya --persona maya"
    assert (done.returncode, done.stderr.splitlines()[-1]) == (0, f"next: {grant}")
    refused = run("train", "maya")
    assert refused.returncode == 1
    assert refused.stderr.strip().endswith(f"if they did: {grant}")
    assert len(refused.stderr.strip().splitlines()) == 1
    assert run(*grant.split()[1:], "--note", "by mail").returncode == 0
    (listed,) = json.loads(run("consent", "list", "--json").stdout)
    assert (listed["who"], listed["role"], listed["persona"]) == ("Maya", "subject", "maya")
    assert (listed["note"], listed["revoked"]) == ("by mail", None)
    assert "by mail" in run("consent", "list").stdout
    again = json.loads(run("import", "whatsapp", sample, *who, "--json").stdout)
    assert again["consent"] == {"missing": [], "grant": None}
    assert "would be removed whole" in run("consent", "revoke", "Tom", "--dry-run").stdout
    gone = json.loads(run("consent", "revoke", "Tom", "--json").stdout)
    assert gone["datasets"][0]["removed"] is True
    assert (gone["runs"], gone["versions"], gone["done"]) == ([], [], True)
    assert run("train", "maya").returncode == 1
    assert run("consent", "revoke", "Nobody").returncode == 1
    assert run("consent", "revoke").returncode == 2


def test_doctor_says_whose_consent_is_missing_now(tmp_path: Path) -> None:
    persona = tmp_path / "data" / "registry" / "personas" / "maya"
    (persona / "revoked").mkdir(parents=True)
    for name, text in (("persona.toml", ""), ("current", "2\n"), ("revoked/2", "")):
        (persona / name).write_text(text)
    (tmp_path / "data" / "consent.toml").write_text("[[entry]]\nwho = 1\n")
    findings = json.loads(understudy("doctor", "--json", cwd=tmp_path).stdout)
    broken = {found["what"]: found for found in findings if found["state"] == "broken"}
    assert "maya: trained on somebody who has withdrawn" in broken["personas"]["found"]
    assert "who: Input should be a valid string (the entry at line 1)" in broken["consent"]["found"]
    (persona / "current").write_text("1\n")
    (tmp_path / "data" / "consent.toml").unlink()
    findings = json.loads(understudy("doctor", "--json", cwd=tmp_path).stdout)
    assert not {found["what"] for found in findings if found["state"] == "broken"}


def test_a_taken_port_is_said_before_anything_starts(tmp_path: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = understudy("serve", "--port", port, cwd=tmp_path)
    assert done.returncode == 1
    assert f"port {port}" in done.stderr
    assert "--port" in done.stderr


def test_every_setting_is_documented() -> None:
    from adapters.questions.settings import QuestionSettings
    from bot.settings import Settings as Bot
    from inference_server.settings import ServerSettings

    text = (PROJECT / ".env.example").read_text("utf-8")
    for model in (Local, Bot, ServerSettings, QuestionSettings):
        for name in model.model_fields:
            assert f"\n#{name.upper()}=" in text, f"{name.upper()} of {model.__module__}"

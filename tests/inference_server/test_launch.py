"""What is wrong before vLLM is even imported: one sentence, within a second or two."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from adapters.registry import Registry
from inference_server import launch
from inference_server.base_model import locate
from inference_server.errors import CannotServe
from inference_server.settings import STARTER_MODEL, ServerSettings

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def environment(tmp_path, base_folder) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(PROJECT),
        "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_OFFLINE": "1",
        "BASE_MODEL": str(base_folder),
        "UNDERSTUDY_HOME": str(tmp_path / "home"),
        "INFERENCE_API_KEY": "inference-secret",
        "ADMIN_API_KEY": "admin-secret",
    }


def serve(environment: dict[str, str], folder: Path, *arguments: str) -> str:
    """The one sentence that `python -m inference_server` ends with."""
    ended = subprocess.run(
        [sys.executable, "-m", "inference_server", "--port", "0", *arguments],
        env=environment, cwd=folder, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == 1, ended.stderr
    assert "Traceback" not in ended.stderr
    assert "secret" not in ended.stderr
    (sentence,) = ended.stderr.splitlines()
    return sentence


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"INFERENCE_API_KEY": ""}, "INFERENCE_API_KEY is not set"),
        ({"ADMIN_API_KEY": ""}, "ADMIN_API_KEY is not set"),
        ({"ADMIN_API_KEY": "inference-secret"}, "must not be the same"),
        ({"BASE_MODEL": "/nowhere/model"}, "there is no model folder /nowhere/model"),
        ({"BASE_MODEL": "./model"}, "there is no model folder ./model"),
        ({"BASE_MODEL": "nobody/nothing"}, "nor in the local cache, and HF_HUB_OFFLINE is set"),
        ({"REGISTRY_URL": "nonsense://x"}, "nonsense:// is not known; use a folder, s3://"),
        ({"REGISTRY_URL": "s3://me:secret@voices"}, "an s3:// URL holds no credentials"),
        ({"REGISTRY_URL": str(PROJECT / "pyproject.toml")}, "is not a folder"),
        ({"REGISTRY_URL": "/proc/nothing"}, "can't be made"),
        ({"REGISTRY_WATCH_S": "often"}, "REGISTRY_WATCH_S"),
    ],
)
def test_a_wrong_setting_is_one_sentence(environment, tmp_path, changes, sentence):
    assert sentence in serve({**environment, **changes}, tmp_path)


def test_an_empty_model_folder_is_one_sentence(environment, tmp_path):
    (tmp_path / "empty").mkdir()
    said = serve({**environment, "BASE_MODEL": str(tmp_path / "empty")}, tmp_path)
    assert "holds no config.json" in said


def test_a_taken_port_is_one_sentence_that_names_the_option(environment, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = serve(environment, tmp_path, "--port", str(port))
    assert f"port {port} is taken; choose another one with --port" in said


@pytest.mark.parametrize(
    "argument",
    [
        "--api-key=x", "--api_key", "--api-k=x", "--middleware", "--lora-modules", "--enable-lora",
        "--no-enable-lora", "--allowed-origins", "--allowed-local-media-path=/", "--root-path=/v1",
        "--config=x.yaml", "--api-server-count", "-asc", "--served-model-name=x", "--uds=/tmp/x",
        "--enable-log-requests", "--model", "--default-mm-loras.image=x", "--grpc", "--headless",
        "--trust-request-chat-template", "--allowed",
    ],
)  # fmt: skip
def test_an_option_that_would_open_a_hole_is_refused(argument):
    with pytest.raises(CannotServe, match="can't be given to vLLM here"):
        launch.check_passed_on([argument])


def test_other_options_of_vllm_are_passed_on_and_win(registry, base_folder):
    passed = ["--max-model-len", "512", "--gpu-memory-utilization=0.5", "--enable-prefix-caching",
              "--data-parallel-size", "2", "--trust-remote-code", "-tp", "2"]  # fmt: skip
    launch.check_passed_on(passed)
    argv = launch.arguments(base_folder, registry, "127.0.0.1", 8000, passed, verbose=False)
    assert argv[-len(passed) :] == passed
    assert argv.index("--max-model-len=auto") < argv.index("--max-model-len")


def test_no_key_ever_reaches_vllm_s_arguments(registry, base_folder):
    argv = launch.arguments(base_folder, registry, "127.0.0.1", 8000, [], verbose=True)
    assert not [argument for argument in argv if argument.startswith("--api-key")]
    assert "--middleware=inference_server.access.Guard" in argv


def test_slots_leave_room_for_a_rollout_of_every_persona_and_for_new_ones(registry, publish):
    for persona in ("maya", "tom"):
        publish(persona)
    sizes = launch.lora_sizes(registry)
    personas = 2 + launch.SPARE_PERSONAS
    assert sizes["max-loras"] == personas + 1
    assert sizes["max-cpu-loras"] == 3 * personas + 1
    assert sizes["max-lora-rank"] == 16
    publish("tom", rank=33)
    assert launch.lora_sizes(registry)["max-lora-rank"] == 64


def test_the_environment_closes_what_vllm_could_open():
    environment = {
        "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "1",
        "VLLM_SERVER_DEV_MODE": "1",
        "VLLM_API_KEY": "other",
        "VLLM_PLUGINS": "lora_filesystem_resolver",
        "VLLM_CPU_KVCACHE_SPACE": "7",
    }
    launch.prepare_environment(environment, verbose=False)
    assert environment["VLLM_ALLOW_RUNTIME_LORA_UPDATING"] == "0"
    assert environment["VLLM_SERVER_DEV_MODE"] == "0"
    assert environment["VLLM_NO_USAGE_STATS"] == "1"
    assert environment["VLLM_PLUGINS"] == "understudy"
    assert environment["VLLM_CPU_KVCACHE_SPACE"] == "7"
    assert "VLLM_API_KEY" not in environment


@pytest.mark.parametrize(
    ("passed", "engines"),
    [
        ([], 1), (["--data-parallel-size", "2"], 2), (["--data-parallel-size=2"], 2),
        (["--data_parallel_size", "2"], 2), (["-dp", "2"], 2), (["-dp=2"], 2),
        (["-tp", "2", "-dp", "3"], 3), (["-dpb", "ray"], 1), (["-dpl", "2"], 1),
        (["-dp"], 1), (["-dp", "two"], 1),
    ],
)  # fmt: skip
def test_the_number_of_engines_is_read_however_it_is_written(passed, engines):
    assert launch.engines(passed) == engines


@pytest.mark.skipif(not launch.on_cpu(), reason="vLLM is not the build for CPUs")
def test_engines_on_a_cpu_share_its_cores_unless_the_owner_binds_them():
    environment: dict[str, str] = {}
    launch.prepare_environment(environment, verbose=False, engines=2)
    assert environment["VLLM_CPU_OMP_THREADS_BIND"] == "nobind"
    assert environment["OMP_NUM_THREADS"] == str(max(1, (os.cpu_count() or 1) // 2))
    bound = {"VLLM_CPU_OMP_THREADS_BIND": "0|1"}
    launch.prepare_environment(bound, verbose=False, engines=2)
    assert bound["VLLM_CPU_OMP_THREADS_BIND"] == "0|1"


def test_settings_hide_keys_and_default_to_the_starter_model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BASE_MODEL", raising=False)
    monkeypatch.delenv("REGISTRY_URL", raising=False)
    monkeypatch.setenv("UNDERSTUDY_HOME", "state")
    monkeypatch.setenv("INFERENCE_API_KEY", "secret-one")
    settings = ServerSettings()
    assert settings.base_model == str(STARTER_MODEL)
    assert settings.registry == "state/registry"
    assert "secret-one" not in repr(settings)


def test_a_registry_that_is_not_there_yet_is_made(tmp_path):
    launch.check_registry(Registry(tmp_path / "a" / "registry"))
    assert (tmp_path / "a" / "registry").is_dir()


def test_a_base_model_s_folder_is_found(base_folder):
    assert locate(str(base_folder)) == base_folder


def test_a_second_server_does_not_start_on_the_port_of_one_that_is_starting(tmp_path: Path) -> None:
    with launch.starting(tmp_path, 8000):
        with launch.starting(tmp_path, 8001):
            pass
        with (
            pytest.raises(CannotServe, match="another server is starting on port 8000"),
            launch.starting(tmp_path, 8000),
        ):
            pass
    with launch.starting(tmp_path, 8000):
        pass
    (tmp_path / "file").touch()
    with (
        pytest.raises(CannotServe, match="can't be written"),
        launch.starting(tmp_path / "file", 1),
    ):
        pass

"""The image and the compose file. No Docker engine is needed: the steps run in a clean folder."""

import fnmatch
import json
import os
import re
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml  # type: ignore[import-untyped]

from connector.config import settings as config

ROOT = Path(__file__).parent.parent.parent


class Step(NamedTuple):
    """One instruction of a Dockerfile."""

    word: str
    rest: str


def stages() -> list[list[Step]]:
    """The stages of the Dockerfile, each a list that begins with its FROM."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    text = re.sub(r"\\\n\s*", "", text)
    steps = [Step(*line.split(maxsplit=1)) for line in text.splitlines() if line.strip()]
    starts = [i for i, step in enumerate(steps) if step.word == "FROM"]
    return [steps[i:j] for i, j in zip(starts, [*starts[1:], len(steps)], strict=True)]


def arguments(stage: list[Step], word: str) -> list[str]:
    return [step.rest for step in stage if step.word == word]


def environment(stage: list[Step]) -> dict[str, str]:
    pairs = shlex.split(" ".join(arguments(stage, "ENV")))
    return {name: value for name, _, value in (pair.partition("=") for pair in pairs)}


def health_command(stage: list[Step]) -> list[str]:
    (check,) = arguments(stage, "HEALTHCHECK")
    command: list[str] = json.loads(check.partition("CMD ")[2])
    return command


BUILD, FINAL = stages()


def test_hadolint_has_nothing_to_say() -> None:
    hadolint = shutil.which("hadolint", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if hadolint is None:
        pytest.skip("hadolint is not installed")
    checked = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True)
    assert (checked.stdout, checked.returncode) == ("", 0)


def test_both_stages_start_from_the_same_named_version() -> None:
    build, final = (stage[0].rest.split()[0] for stage in (BUILD, FINAL))
    assert re.fullmatch(r"python:3\.\d+", build)
    assert final == f"{build}-slim"


def test_only_locked_packages_with_hashes_are_installed() -> None:
    locked, ours = (run for run in arguments(BUILD, "RUN") if "pip install" in run)
    assert "--require-hashes" in locked
    assert locked.endswith("-r requirements-fast.lock")
    assert "--no-deps" in ours


def test_the_image_holds_only_the_virtualenv() -> None:
    assert arguments(FINAL, "COPY") == ["--from=build /opt/connector /opt/connector"]


def test_the_service_is_not_root_and_kubernetes_can_see_it() -> None:
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", arguments(FINAL, "USER")[-1])


def test_no_secret_is_baked_in() -> None:
    names = [name for stage in (BUILD, FINAL) for name in environment(stage)]
    assert arguments(BUILD, "ARG") + arguments(FINAL, "ARG") == []
    assert not [name for name in names if re.search("SECRET|PASSWORD|TOKEN", name)]


def test_the_settings_of_the_image_can_be_used() -> None:
    given = {k: v for k, v in environment(FINAL).items() if k.startswith("CONNECTOR_")}
    settings = config.load({**given, "CONNECTOR_SECRET_KEYS": secrets.token_hex(32)})
    assert settings.listen.endswith(f":{arguments(FINAL, 'EXPOSE')[0]}")
    assert settings.database_url.startswith(f"sqlite:///{arguments(FINAL, 'VOLUME')[0]}/")


def test_without_a_secret_the_image_refuses_to_start() -> None:
    given = {k: v for k, v in environment(FINAL).items() if k.startswith("CONNECTOR_")}
    with pytest.raises(config.ConfigError, match="CONNECTOR_SECRET_KEYS is missing"):
        config.load(given)


def test_docker_sends_only_what_the_image_is_built_from() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    allowed = {line[1:] for line in lines if line.startswith("!")}
    copied = {name for copy in arguments(BUILD, "COPY") for name in copy.split()[:-1]}
    assert "*" in lines
    assert copied == allowed


def copy_like_docker(source: Path, target: Path) -> None:
    ignored = [
        line.removeprefix("**/")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("**/")
    ]
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns(*ignored))
    elif not any(fnmatch.fnmatch(source.name, pattern) for pattern in ignored):
        shutil.copy(source, target)


def python_of_the_image() -> str:
    """That version if this machine has it, else the one that runs the tests."""
    wanted = BUILD[0].rest.split()[0].partition(":")[2]
    result = shutil.which(f"python{wanted}")
    works = result and subprocess.run([result, "-V"], capture_output=True).returncode == 0
    return result if result and works else sys.executable


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that stands for `/`, after all steps of the build stage."""
    root = tmp_path_factory.mktemp("image")
    (root / "bin").mkdir()
    (root / "bin" / "python").symlink_to(python_of_the_image())
    work = root
    variables = {"PATH": f"{root}/bin:{os.environ['PATH']}", "HOME": str(root)}
    variables |= {k: v for k, v in os.environ.items() if k.startswith("PIP_")}
    for step in BUILD:
        if step.word == "WORKDIR":
            work = root / step.rest.lstrip("/")
            work.mkdir(parents=True)
        elif step.word == "ENV":
            variables |= environment([step])
        elif step.word == "COPY":
            *sources, target = step.rest.split()
            for source in sources:
                copy_like_docker(ROOT / source, work / target)
        elif step.word == "RUN":
            command = step.rest.replace("/opt/", f"{root}/opt/")
            done = subprocess.run(
                ["sh", "-ec", command], cwd=work, env=variables, capture_output=True, text=True
            )
            assert done.returncode == 0, done.stdout + done.stderr
    return root


@pytest.mark.slow
def test_what_is_built_starts_becomes_healthy_and_stops(built: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    given = environment(FINAL) | {
        "PATH": f"{built}/opt/connector/bin:/usr/bin:/bin",
        "CONNECTOR_LISTEN": f"127.0.0.1:{port}",
        "CONNECTOR_DATABASE_URL": f"sqlite:///{tmp_path}/connector.sqlite3",
        "CONNECTOR_SECRET_KEYS": secrets.token_hex(32),
    }
    (entry,), (command,) = arguments(FINAL, "ENTRYPOINT"), arguments(FINAL, "CMD")
    program = [f"{built}/opt/connector/bin/{json.loads(entry)[0]}", *json.loads(command)]
    check = health_command(FINAL)
    check[0] = f"{built}/opt/connector/bin/{check[0]}"
    with (tmp_path / "log").open("w") as log:
        service = subprocess.Popen(program, cwd=tmp_path, env=given, stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + 30
            while subprocess.run(check, env=given, capture_output=True).returncode:
                assert service.poll() is None, (tmp_path / "log").read_text()
                assert time.monotonic() < deadline, (tmp_path / "log").read_text()
            service.send_signal(signal.SIGTERM)
            assert service.wait(timeout=20) == 0
        finally:
            service.kill()
            service.wait()


@pytest.mark.slow
def test_the_health_check_fails_where_nothing_answers(built: Path) -> None:
    check = health_command(FINAL)
    check[0] = f"{built}/opt/connector/bin/{check[0]}"
    given = {"CONNECTOR_LISTEN": "127.0.0.1:9"}
    assert subprocess.run(check, env=given, capture_output=True).returncode != 0


@pytest.mark.slow
def test_the_image_brings_no_tests_and_no_tools(built: Path) -> None:
    site = next((built / "opt/connector/lib").glob("python*/site-packages"))
    assert (site / "connector" / "config" / "settings.py").exists()
    assert not [name for name in ("pytest", "mypy", "ruff") if (site / name).exists()]


def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
    return loaded


SERVICES = compose()["services"]


def test_docker_compose_accepts_the_file() -> None:
    docker = shutil.which("docker")
    if not docker or subprocess.run([docker, "compose", "version"], capture_output=True).returncode:
        pytest.skip("the docker compose plugin is not installed")
    given = {"POSTGRES_PASSWORD": "p", "CONNECTOR_SECRET_KEYS": "k", "PATH": os.environ["PATH"]}
    command = [docker, "compose", "--profile", "public", "config", "--quiet"]
    checked = subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr


def test_the_connector_waits_for_a_healthy_database() -> None:
    assert SERVICES["connector"]["depends_on"]["db"]["condition"] == "service_healthy"
    assert "pg_isready" in SERVICES["db"]["healthcheck"]["test"]


def test_what_must_not_get_lost_is_on_a_volume() -> None:
    assert SERVICES["db"]["volumes"] == ["database:/var/lib/postgresql/data"]
    assert "certificates:/data" in SERVICES["caddy"]["volumes"]
    assert set(compose()["volumes"]) == {"database", "certificates"}


def test_only_caddy_is_reachable_from_outside() -> None:
    assert SERVICES["connector"]["ports"] == ["127.0.0.1:8000:8000"]
    assert "ports" not in SERVICES["db"]
    assert SERVICES["caddy"]["ports"] == ["80:80", "443:443"]
    assert SERVICES["caddy"]["profiles"] == ["public"]


def test_passwords_and_secrets_come_from_the_environment_and_are_required() -> None:
    connector, db = SERVICES["connector"]["environment"], SERVICES["db"]["environment"]
    assert "${POSTGRES_PASSWORD:?" in connector["CONNECTOR_DATABASE_URL"]
    assert connector["CONNECTOR_SECRET_KEYS"].startswith("${CONNECTOR_SECRET_KEYS:?")
    assert db["POSTGRES_PASSWORD"].startswith("${POSTGRES_PASSWORD:?")


def test_the_settings_of_the_compose_file_can_be_used() -> None:
    given: dict[str, str] = SERVICES["connector"]["environment"]
    filled = {
        name: re.sub(r"\$\{\w+:[-?]([^}]*)\}", "1" * 32 if "?" in value else r"\1", value)
        for name, value in given.items()
    }
    settings = config.load(filled)
    assert settings.database_url.startswith("postgresql+psycopg://connector:")
    assert settings.trusted_proxies == 1


def test_the_stop_of_docker_is_more_patient_than_ours() -> None:
    patience = int(SERVICES["connector"]["stop_grace_period"].removesuffix("s"))
    assert patience > config.load({}).graceful_seconds


def test_every_variable_of_the_example_is_one_that_is_used() -> None:
    text = (ROOT / ".env.example").read_text()
    offered = re.findall(r"^([A-Z_]+)=", text, re.MULTILINE)
    known = {setting.variable for setting in config.SETTINGS} | {"POSTGRES_PASSWORD"}
    assert set(offered) <= known
    assert "CONNECTOR_SECRET_KEYS" in offered


def test_caddy_keeps_the_metrics_private_and_streams_chat() -> None:
    text = (ROOT / "deploy" / "Caddyfile").read_text()
    private = re.search(r"@private path_regexp (\S+)\n\trespond @private 404", text)
    assert private
    for path in ("/metrics", "//metrics", "/metrics/", "/metrics/x"):
        assert re.match(private[1], path)
    assert not re.match(private[1], "/v1/metrics")
    assert "request_buffers" in text
    assert "flush_interval -1" in text
    assert text.count("{") == text.count("}")

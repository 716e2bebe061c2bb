"""The package as it is shipped: its list of folders, its wheel, its README."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SETUPTOOLS = PYPROJECT["tool"]["setuptools"]


def test_the_list_of_packages_equals_the_folders_with_an_init():
    found = set()
    for name, folder in SETUPTOOLS["package-dir"].items():
        for init in (ROOT / folder).rglob("__init__.py"):
            below = init.parent.relative_to(ROOT / folder).parts
            found.add(".".join([name, *below]))
    assert sorted(found) == sorted(SETUPTOOLS["packages"])


def test_no_file_has_outgrown_its_idea():
    long = {
        str(path.relative_to(ROOT)): lines
        for folder in ("schedlab", "envs", "agents", "models", "train", "eval")
        for path in (ROOT / folder).rglob("*.py")
        if (lines := len(path.read_text().splitlines())) > 400
    }
    assert not long


@pytest.fixture(scope="session")
def wheel_site(tmp_path_factory) -> Path:
    """A folder with only the built wheel in it."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    # what git would ship, and nothing that lies about: a stale build/ would end up in the wheel
    names = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in filter(None, names.stdout.split("\n")):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps"]
    subprocess.run([*pip, "--target", str(folder / "site"), str(source)], check=True, capture_output=True)
    return folder / "site"


def run_from_wheel(site: Path, tmp_path: Path, *words: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(site), "NUMBA_CACHE_DIR": str(tmp_path / "numba")}
    answer = subprocess.run([sys.executable, *words], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def test_the_wheel_holds_one_top_level_package_with_its_data(wheel_site):
    tops = {path.name for path in wheel_site.iterdir() if not path.name.endswith((".dist-info", "bin", "__pycache__"))}
    assert tops == {"schedlab"}
    for name in (
        "py.typed",
        "envs/job_shop/data/classic_instances.txt",
        "train/configs/job_shop.toml",
        "agents/job_shop/trained/makespan/weights.safetensors",
        "eval/peers/jssenv.py",
    ):
        assert (wheel_site / "schedlab" / name).is_file(), name


def test_the_wheel_works_away_from_the_repository(wheel_site, tmp_path):
    code = (
        "import gymnasium as gym, schedlab; "
        "env = gym.make('JobShop-v0', instance='ta01'); env.reset(seed=0); "
        "print(schedlab.__file__, type(env.unwrapped).__module__)"
    )
    out = run_from_wheel(wheel_site, tmp_path, "-c", code)
    assert str(wheel_site) in out
    assert "schedlab.envs.job_shop.env" in out
    out = run_from_wheel(
        wheel_site,
        tmp_path,
        "-m",
        "schedlab.eval",
        "benchmark",
        "job-shop",
        "--instances",
        "ft06",
        "--agents",
        "spt,ppo",
    )
    assert "spt" in out


@pytest.mark.parametrize("module", ["schedlab", "schedlab.train", "schedlab.eval"])
def test_each_module_road_reaches_the_command_line(module, tmp_path):
    answer = subprocess.run([sys.executable, "-m", module, "--version"], capture_output=True, text=True, check=True)
    assert answer.stdout.startswith("schedlab ")


def readme_blocks(language: str) -> list[str]:
    text = (ROOT / "README.md").read_text()
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def test_the_readme_has_snippets_of_both_kinds():
    assert len(readme_blocks("python")) >= 2
    assert len(readme_blocks("bash")) >= 2


@pytest.mark.parametrize("code", readme_blocks("python") if (ROOT / "README.md").exists() else [])
def test_python_snippets_of_the_readme_run_as_printed(code, tmp_path):
    answer = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert answer.returncode == 0, answer.stderr


COMMANDS = [
    line
    for block in readme_blocks("bash")
    for line in re.sub(r"\\\n\s*", " ", block).splitlines()
    if line.startswith("schedlab ") and "# not in the tests" not in line
]


def test_commands_of_the_readme_run_as_printed(tmp_path):
    """In one folder and in their order, because some use what others wrote."""
    assert COMMANDS
    binary = Path(sys.executable).parent / "schedlab"
    for command in COMMANDS:
        words = command.split("#")[0].split()
        answer = subprocess.run([binary, *words[1:]], cwd=tmp_path, capture_output=True, text=True, timeout=300)
        assert answer.returncode == 0, f"{command}\n{answer.stderr}"


def test_the_env_docstrings_examples_are_true():
    import doctest

    from schedlab.envs.job_shop import env

    assert doctest.testmod(env).failed == 0

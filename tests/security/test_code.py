"""What the library must never do: run what it reads. Found in its source, not by trying."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("schedlab", "envs", "models", "agents", "train", "eval")
SOURCES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))

MODULES = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "shelve", "marshal", "code", "xmlrpc", "yaml"}
BUILT_INS = {"eval", "exec", "compile", "__import__", "input"}
CALLS = {
    "torch.load", "torch.jit.load", "torch.hub.load", "os.system", "os.popen", "os.execv", "numpy.fromfile",
    "extractall", "unpack_archive", "literal_eval", "run_path", "run_module", "read_pickle", "load_module",
}  # fmt: skip


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_name(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _findings(tree: ast.AST) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [f"imports {item.name}" for item in node.names if item.name.split(".")[0] in MODULES]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in MODULES:
            found.append(f"imports from {node.module}")
        elif isinstance(node, ast.Call):
            name = _name(node.func)
            if name in BUILT_INS or name in CALLS or name.rsplit(".", 1)[-1] in CALLS:
                found.append(f"calls {name}")
            for word in node.keywords:
                true = isinstance(word.value, ast.Constant) and word.value.value is True
                if word.arg in ("shell", "allow_pickle", "trust_remote_code") and true:
                    found.append(f"calls {name} with {word.arg}")
            if name in ("np.load", "numpy.load"):
                found.append(f"calls {name}")
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_read_can_become_code(path):
    assert not _findings(ast.parse(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from joblib import load",
        "eval('1')",
        "torch.load(f)",
        "np.load(f, allow_pickle=True)",
        "subprocess.run(c, shell=True)",
        "archive.extractall()",
        "yaml.load(f)\nimport yaml",
    ],
)
def test_the_search_finds_what_it_should(code):
    assert _findings(ast.parse(code))


def test_modules_are_only_imported_by_names_of_our_own():
    """``import_module`` takes names of the registry, and those of plugins, which the user installs or names."""
    users = [path for path in SOURCES if "import_module(" in path.read_text(encoding="utf-8")]
    allowed = {"envs/core/problem.py", "agents/registry.py", "envs/core/plugins.py"}
    assert {str(path.relative_to(ROOT)) for path in users} <= allowed

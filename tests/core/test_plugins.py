"""What the import of a plugin says: of its name, of what it needs, and of what it does itself."""

import sys

import pytest

from schedlab.envs.core import InputError
from schedlab.envs.core.plugins import import_plugin
from schedlab.eval.cli import main


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder on the path, whose modules are forgotten afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    known = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - known:
        if name.startswith("own_"):
            del sys.modules[name]


@pytest.mark.parametrize("name", ["", ".", ".own", "own..plugin", "own.", "own\0plugin", "own\x1b[31m", "own\udcff"])
def test_what_is_no_name_of_a_module_is_called_so(name):
    with pytest.raises(InputError, match="not the name of a module") as error:
        import_plugin(name)
    assert str(error.value).isprintable()


@pytest.mark.parametrize(
    "name", ["own_missing", "own_missing.b.c", "own_package.missing", "own_package.missing.c", "own_package.one.two"]
)
def test_a_module_that_is_not_there_is_told_of_at_any_depth(place, name, capsys):
    (place / "own_package").mkdir()
    (place / "own_package" / "__init__.py").write_text("")
    (place / "own_package" / "one.py").write_text("")
    with pytest.raises(InputError, match="no such module"):
        import_plugin(name)
    assert main(["--plugin", name, "list"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_what_a_plugin_refuses_is_told_in_its_own_words(place, capsys):
    (place / "own_refusal.py").write_text(
        "from schedlab.envs.core import InputError\nraise InputError('agent spt exists')\n"
    )
    assert main(["--plugin", "own_refusal", "list"]) == 2
    assert capsys.readouterr().err == "schedlab: agent spt exists\n"


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("int('x')", ValueError),
        ("len(3)", TypeError),
        ("import own_other_package", ModuleNotFoundError),
        ("from os import own_nothing", ImportError),
    ],
)
def test_a_mistake_in_a_plugin_is_its_own(place, line, kind):
    (place / "own_mistake.py").write_text(f"{line}\n")
    with pytest.raises(kind) as error:
        import_plugin("own_mistake")
    assert not isinstance(error.value, InputError)

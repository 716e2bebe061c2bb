"""The tutorial notebooks run from the first cell to the last, on tiny budgets."""

import json
import sys

import pytest

from schedlab.envs import PROBLEMS

from .conftest import DOCS

NAMES = [path.stem for path in sorted((DOCS / "notebooks").glob("*.ipynb"))]


def cells_of(name):
    return json.loads((DOCS / "notebooks" / f"{name}.ipynb").read_text())["cells"]


def test_there_is_a_notebook_for_every_problem():
    assert set(NAMES) == set(PROBLEMS)


@pytest.mark.parametrize("name", NAMES)
def test_notebooks_are_committed_without_outputs(name):
    for cell in cells_of(name):
        assert cell["cell_type"] == "markdown" or (cell["outputs"], cell["execution_count"]) == ([], None)


@pytest.mark.parametrize("name", NAMES)
def test_notebooks_run(name, tmp_path, monkeypatch):
    """In this process, so that numba and torch are loaded once and not by a kernel for each."""
    monkeypatch.setenv("SCHEDLAB_TINY", "1")
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": "notebook"}
    for number, cell in enumerate(cells_of(name)):
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), f"{name}, cell {number}", "exec"), namespace)


def test_a_notebook_runs_in_a_kernel_of_its_own(tmp_path, monkeypatch):
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    from jupyter_client import KernelManager
    from jupyter_client.kernelspec import KernelSpec

    monkeypatch.setenv("SCHEDLAB_TINY", "1")
    notebook = nbformat.read(DOCS / "notebooks" / "single-machine.ipynb", as_version=4)
    # this interpreter, whatever kernels are registered on the machine
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    manager = KernelManager()
    manager._kernel_spec = KernelSpec(argv=command, display_name="here", language="python")
    resources = {"metadata": {"path": str(tmp_path)}}
    client = nbclient.NotebookClient(notebook, km=manager, timeout=300, resources=resources)
    try:
        client.execute()
    finally:  # nbclient leaves a kernel that it was given to the giver
        if client.kc is not None:
            client.kc.stop_channels()
        if manager.has_kernel:
            manager.shutdown_kernel(now=True)
        manager.cleanup_resources()
    pictures = [out for cell in notebook.cells if cell.cell_type == "code" for out in cell.outputs if "data" in out]
    assert any("image/png" in picture["data"] for picture in pictures)

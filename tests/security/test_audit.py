"""What the audit makes of the answers of pip-audit."""

import pytest

from .audit import ALLOWED, allowed, verdict

HOLE = {"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["2.0"]}


def package(*holes):
    return {"name": "some", "version": "1.0", "vulns": list(holes)}


def test_a_database_that_cannot_be_reached_is_no_failure_and_no_success():
    unknown = {"dependencies": [{"name": "some", "skip_reason": "not found"}]}
    for found in (None, {}, {"dependencies": []}, unknown):
        status, lines = verdict(found, {})
        assert status == 0
        assert "nothing was audited" in lines[0]


def test_a_known_hole_fails_unless_it_is_accepted_by_any_of_its_names():
    found = {"dependencies": [package(HOLE), package()]}
    assert verdict(found, {})[0] == 1
    status, lines = verdict(found, {"CVE-1": "not called"})
    assert status == 0
    assert "accepted: not called" in lines[0]
    assert lines[-1] == "audit: 2 packages audited"


def test_accepted_holes_that_are_gone_are_told():
    assert "remove it" in verdict({"dependencies": [package()]}, {"CVE-9": "old"})[1][0]


def test_the_list_of_accepted_holes_gives_reasons(tmp_path):
    assert all(allowed(ALLOWED).values())
    (tmp_path / "list.txt").write_text("CVE-1\n")
    with pytest.raises(ValueError, match="line 1: CVE-1 needs a reason"):
        allowed(tmp_path / "list.txt")

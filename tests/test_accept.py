"""A report as a literal → the accepted snapshot."""

import pytest

from stages import accept
from stages.files import read_json, write_json
from stages.refusal import Refusal

REPORT = {"passed": True, "rows_out": 40, "ratings": {"1": 0.25, "5": 0.75}, "expectations": []}


def test_the_shares_of_a_passed_report_are_accepted(tmp_path, capsys):
    write_json(tmp_path / "validate/places.json", REPORT)
    accept.main("places", str(tmp_path))
    assert read_json(tmp_path / "accepted/places.json") == {"rows": 40, "ratings": {"1": 0.25, "5": 0.75}}
    assert capsys.readouterr().out.endswith("accepted/places.json; commit it\n")


@pytest.mark.parametrize(
    ("report", "found"), [(REPORT | {"passed": False}, "one that did not"), (None, "no such file")]
)
def test_what_did_not_pass_or_is_not_there_is_not_accepted(tmp_path, report, found):
    if report:
        write_json(tmp_path / "validate/places.json", report)
    with pytest.raises(Refusal) as refusal:
        accept.main("places", str(tmp_path))
    assert refusal.value.found == found and not (tmp_path / "accepted").exists()

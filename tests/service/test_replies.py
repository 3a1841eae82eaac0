"""What the service may answer: every form that is known or assumed, and what is none."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

import labellerr_ds as lds
from labellerr_ds.service import replies

NOW = datetime(2026, 11, 1, tzinfo=timezone.utc)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["status", "response", "report_id", "is_completed", "url", "x"]), inner)
    ),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("item", "state"),
    [
        ({"is_completed": True, "export_status": "Created"}, "completed"),
        ({"is_completed": True, "export_status": "created"}, "completed"),
        ({"is_completed": True, "export_status": None}, "completed"),
        ({"is_completed": True, "export_status": "FAILED"}, "failed"),
        ({"is_completed": False, "export_status": "failed"}, "failed"),
        ({"is_completed": False, "export_status": "Created"}, "running"),
        ({"is_completed": False, "export_status": "Processing"}, "running"),
        ({"is_completed": None, "export_status": None}, "unknown"),
        ({"export_status": "Zorp"}, "unknown"),
        ({}, "unknown"),
        ({"export_status": 7}, "unknown"),
    ],
)
def test_a_state_is_understood_or_unknown(item, state):
    for answer in ({"status": [{"report_id": "r", **item}]}, {"response": [{"report_id": "r", **item}]}):
        assert replies.export_states(answer)["r"].state == state


@given(json_values)
def test_no_answer_about_states_breaks_it(answer):
    assert isinstance(replies.export_states(answer), dict)


@pytest.mark.parametrize(
    ("response", "expires_at"),
    [
        ("https://s/x?sig=1", None),
        ({"url": "https://s/x?sig=1", "expires_in": 60}, NOW + timedelta(seconds=60)),
        ({"download_url": "https://s/x?sig=1", "expires_at": "2026-11-01T00:01:00+00:00"}, NOW + timedelta(seconds=60)),
        ({"url": "https://s/x?sig=1", "expiry": 60}, NOW + timedelta(seconds=60)),
        ({"url": "https://s/x?sig=1", "expiry": "2026-11-01 00:01"}, NOW + timedelta(seconds=60)),
        ({"url": "https://s/x?sig=1", "expires_at": "soon"}, None),
    ],
)
def test_a_link_in_each_form(response, expires_at):
    link = replies.signed_link({"response": response}, NOW)
    assert link.url == "https://s/x?sig=1"
    assert link.expires_at == expires_at


@given(json_values)
def test_what_is_no_link_is_one_kind_of_error(answer):
    try:
        replies.signed_link(answer, NOW)
    except lds.UnexpectedAnswerError as problem:
        assert "expected" in str(problem)


@pytest.mark.parametrize("answer", [{}, {"response": None}, {"response": {}}, [], {"response": {"report_id": True}}])
def test_a_create_without_a_report_id_says_what_was_missing(answer):
    with pytest.raises(lds.UnexpectedAnswerError, match="expected"):
        replies.report_id(answer)


@pytest.mark.parametrize(
    "written", [1758605248000, 1758605248000.0, "1758605248000", 1758605248, 1758605248.0, "2025-09-23T05:27:28Z"]
)
def test_a_time_in_the_list_of_exports_is_read_however_it_is_written(written):
    (listed,) = replies.export_list(
        {"response": {"completed": [{"report_id": "r", "created_at": written}], "in_progress": []}}
    )
    assert listed["created_at"] == 1758605248000


@pytest.mark.parametrize("key", ["inProgress", "in_progress"])
@pytest.mark.parametrize("wrapped", [True, False])
@pytest.mark.parametrize("completed", [{}, {"completed": []}, {"completed": [{"report_id": "done"}]}])
def test_running_exports_are_seen_in_every_form_of_the_list(key, wrapped, completed):
    lists = {**completed, key: [{"report_id": "now", "export_status": "Processing", "export_format": "yolo_v5"}]}
    listed = replies.export_list({"response": lists} if wrapped else lists)
    assert [(item["report_id"], item["state"]) for item in listed if item["report_id"] == "now"] == [("now", "running")]
    assert listed[0]["format"] == "yolo_v5"
    assert len(listed) == 1 + len(completed.get("completed", []))


@pytest.mark.parametrize("key", ["response", "status"])
def test_states_are_read_under_either_key(key):
    answer = {"message": "200: Success", key: [{"report_id": "r", "export_status": "created", "is_completed": True}]}
    assert replies.export_states(answer)["r"].state == "completed"
    assert replies.export_states({"response": answer})["r"].state == "completed"


@pytest.mark.parametrize("written", ["soon", None, [], True, -5, 1e300])
def test_what_is_no_time_in_the_list_of_exports_is_none(written):
    (listed,) = replies.export_list(
        {"response": {"completed": [{"report_id": "r", "created_at": written}], "in_progress": []}}
    )
    assert listed["created_at"] is None

import copy
import json

import nbformat
import papermill
import pytest
from nbformat import NotebookNode
from tests.publishing.conftest import make_notebook

from analysis.publishing.exporter import canonical, check_executed, page_data
from analysis.words.files import json_text as notebook_text


def executed(notebook, **options):
    replies = {}
    done = papermill.execute_notebook(
        notebook, None, engine_name="candich", progress_bar=False, on_reply=replies.__setitem__, **options
    )
    return done, replies


SHOWS_ADDRESSES = "print(object())\nclass A: pass\nA()"


def test_two_runs_give_the_same_bytes_and_a_valid_notebook():
    texts = set()
    for _ in range(2):
        done, _replies = executed(make_notebook("# Title", SHOWS_ADDRESSES, "print(1)"), parameters={"unit": "Hà"})
        clean = canonical(done, context={"page": "units/a.html"})
        nbformat.validate(clean)
        texts.add(notebook_text(clean))
    (text,) = texts
    assert "0x" not in text and "T0" not in json.dumps(json.loads(text)["metadata"])
    assert json.loads(text)["metadata"]["papermill"] == {"parameters": {"unit": "Hà"}}


def test_the_authors_ids_stay_and_only_papermills_cell_gets_one_from_its_content():
    done, _ = executed(make_notebook("1"), parameters={"unit": "b"})
    ids = [cell.id for cell in canonical(done, context={}).cells]
    assert ids[0] == "parameters" and ids[2:] == ["setup", "cell-0", "end"]
    assert ids[1] != done.cells[1].id and len(ids[1]) == 12
    other, _ = executed(make_notebook("1"), parameters={"unit": "c"})
    assert canonical(other, context={}).cells[1].id != ids[1]


def test_what_it_is_given_is_not_changed():
    done, _ = executed(make_notebook(SHOWS_ADDRESSES))
    before = copy.deepcopy(done)
    canonical(done, context={})
    assert done == before


def test_a_whole_notebook_is_proven():
    done, replies = executed(make_notebook("1"))
    assert check_executed(done, replies=replies, where="p") == []
    assert page_data(done)["title"] == "Trang a"


@pytest.mark.parametrize(
    ("cells", "end", "found"),
    [
        (["import sys\nsys.exit(0)"], None, "cell 3 (cell-0) raised SystemExit: 0"),
        (["1"], "", "the notebook has 0 closing fragments"),
        (["1"], "1", "the notebook has 0 closing fragments"),
    ],
)
def test_an_unfinished_notebook_is_not(cells, end, found):
    notebook = make_notebook(*cells) if end is None else make_notebook(*cells, end=end)
    done, replies = executed(notebook)
    (problem,) = check_executed(done, replies=replies, where="units/a.html")
    assert problem.found == found


def test_a_cell_after_the_end_is_found():
    notebook = make_notebook("1")
    notebook.cells.append(nbformat.v4.new_code_cell("2", id="late"))
    done, replies = executed(notebook)
    (problem,) = check_executed(done, replies=replies, where="p")
    assert problem.found == "the notebook has cells after the closing fragment"


def test_completed_metadata_proves_nothing():
    """A killed kernel leaves a notebook whose every cell Papermill calls completed."""
    done, replies = executed(make_notebook("1", "2"))
    for cell in done.cells[3:]:
        cell.execution_count, cell.outputs = None, []
    assert done.cells[3].metadata.papermill.status == "completed"
    (problem,) = check_executed(done, replies=replies, where="p")
    assert problem.found == "cell 4 (cell-1) was not run to its end"


def test_a_count_without_our_own_reply_proves_nothing():
    done, replies = executed(make_notebook("1"))
    del replies[2]
    assert "cell 3 (cell-0) was not run to its end" in check_executed(done, replies=replies, where="p")[0].found


def test_a_lone_surrogate_survives_the_file():
    notebook = canonical(
        NotebookNode(metadata={"papermill": {"parameters": {"unit": "a\udc80"}}}, cells=[]), context={}
    )
    raw = notebook_text(notebook).encode("utf-8", "backslashreplace")
    assert json.loads(raw)["metadata"]["papermill"]["parameters"]["unit"] == "a\udc80"

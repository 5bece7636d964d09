"""The engine under real Papermill, in this process."""

import base64
import json
import re
import subprocess
import sys

import nbformat
import papermill
import pytest
from nbclient.exceptions import CellTimeoutError
from tests.publishing.conftest import KERNEL, make_notebook, run_clean

from analysis.publishing.engine import CandichEngine


def run(notebook, **options):
    options = {"engine_name": "candich", "progress_bar": False, **options}
    return papermill.execute_notebook(notebook, None, **options)


def outputs(notebook, name):
    return next(cell for cell in notebook.cells if cell.id == name).outputs


def test_papermill_knows_the_engine_by_its_entry_point():
    from papermill.engines import papermill_engines

    assert papermill_engines.get_engine("candich") is CandichEngine


@pytest.mark.slow
@pytest.mark.parametrize("first", ["papermill", "analysis.publishing.engine", "analysis.publishing.make"])
def test_it_can_be_imported_first_or_last(first):
    script = f"import {first}; from analysis.publishing.engine import CandichEngine; print(CandichEngine.__name__)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "CandichEngine\n", done.stderr


def test_counts_results_streams_and_displays_are_those_of_a_kernel():
    cells = (
        "import sys\nprint('a'); print('b'); print('c', file=sys.stderr); print('d')\n1 + 1",
        "from IPython.display import HTML, display, update_display\n"
        "display(HTML('<b>1</b>'), display_id='x')\nupdate_display(HTML('<i>2</i>'), display_id='x')\n_ ",
        "3;",
        "await __import__('asyncio').sleep(0)\n'waited'",
    )
    done = run(make_notebook(*cells))
    nbformat.validate(done)
    assert [cell.execution_count for cell in done.cells if cell.cell_type == "code"] == [1, 2, 3, 4, 5, 6, 7]
    first = outputs(done, "cell-0")
    assert [(one.output_type, one.get("name"), one.get("text")) for one in first[:3]] == [
        ("stream", "stdout", "a\nb\n"),
        ("stream", "stderr", "c\n"),
        ("stream", "stdout", "d\n"),
    ]
    assert (first[3].output_type, first[3].data["text/plain"], first[3].execution_count) == ("execute_result", "2", 3)
    assert outputs(done, "cell-1")[0].data["text/html"] == "<i>2</i>"
    assert outputs(done, "cell-1")[-1].data["text/plain"] == "2"  # `_` is the last result
    assert outputs(done, "cell-2") == []
    assert outputs(done, "cell-3")[0].data["text/plain"] == "'waited'"


def test_it_gives_what_papermills_own_engine_gives():
    notebook = make_notebook("import pandas as pd\npd.DataFrame({'a': [1, 2]})", "print('x')\n'y'", "None")
    ours, theirs = run(notebook, parameters={"unit": "b"}), run(notebook, parameters={"unit": "b"}, engine_name=None)
    for one, other in zip(ours.cells, theirs.cells, strict=True):
        assert (one.source, one.get("execution_count")) == (other.source, other.get("execution_count"))
        assert one.get("outputs") == other.get("outputs")


def test_charts_left_open_are_shown_each_time_in_one_process():
    """A first prototype lost them from the second notebook on, without any error."""
    notebook = make_notebook("import matplotlib.pyplot as plt\nplt.plot([1, 2])\nNone", end="")
    for _ in range(3):
        (shown,) = outputs(run(notebook), "cell-0")
        assert base64.b64decode(shown.data["image/png"]).startswith(b"\x89PNG")


DRAWN = """
import json, sys
import nbformat, papermill
notebook = nbformat.reads(sys.argv[1], as_version=4)
def run(engine):
    done = papermill.execute_notebook(notebook, None, engine_name=engine, progress_bar=False)
    return next(cell for cell in done.cells if cell.id == "cell-0").outputs
print(json.dumps([[run("candich") for _ in range(3)], run(None)]))
"""


@pytest.mark.slow
def test_charts_are_drawn_as_often_as_in_a_kernel(tmp_path):
    """Pyplot drew after a cell for the first shell it saw only: later charts came out by a hair otherwise."""
    cell = (
        "import matplotlib.pyplot as plt\nfig, ax = plt.subplots(layout='constrained')\nax.set_title('a')\n"
        "_ = fig.canvas.mpl_connect('draw_event', lambda event: print('drawn'))"
    )
    notebook = nbformat.writes(make_notebook(cell, end=""))
    ours, theirs = run_clean(DRAWN, notebook, cwd=tmp_path)  # other tests leave settings here
    assert ours == [theirs] * 3
    assert ours[0][0]["text"] == "drawn\n" * 3


def test_notebooks_in_one_process_share_no_names():
    run(make_notebook("secret = 1", end=""))
    with pytest.raises(papermill.PapermillExecutionError, match="NameError"):
        run(make_notebook("secret", end=""))


LEAVES = (  # every cell changes something that the next notebook could see
    "secret = 1\nfrom __future__ import annotations",
    "from IPython.display import HTML, display\ndisplay(HTML('<b>first</b>'), display_id='mine')",
    "ip = get_ipython()\nip.events.register('post_run_cell', lambda result: print('EVENT'))\n"
    "ip.events.register('pre_run_cell', lambda info: print('EVENT'))\n"
    "ip.register_magic_function(lambda line: print('MAGIC'), magic_name='mine')\n"
    "ip.register_magic_function(lambda line, cell: print('MAGIC'), magic_kind='cell', magic_name='mine')",
    "ip.display_formatter.formatters['text/plain'].for_type(int, lambda value, p, cycle: p.text('FORMATTED'))\n"
    "ip.display_formatter.formatters['text/html'].for_type(str, lambda value: 'FORMATTED')\n"
    "ip.display_formatter.active_types = ['text/plain']",
    "import ast\nclass Other(ast.NodeTransformer):\n    def visit_Constant(self, node):\n"
    "        return ast.Constant('CHANGED') if node.value == 'as it is' else node\n"
    "ip.ast_transformers.append(Other())\n"
    "ip.input_transformers_post.append(lambda lines: [line.replace('1 + 1', '1 + 2') for line in lines])\n"
    "ip.input_transformers_cleanup.append(lambda lines: [line.replace('1 + 1', '1 + 2') for line in lines])",
    "ip.set_custom_exc((ZeroDivisionError,), lambda *_, **__: print('CUSTOM'))\n"
    "ip.set_hook('clipboard_get', lambda self: 'HOOK')\nip.ast_node_interactivity = 'none'\nip.meta.left = 1",
    "%alias mine echo ALIAS",
    "%precision 2",
    "%xmode Minimal",
    "%automagic off",
    "%config InlineBackend.figure_formats = ['svg']\nimport matplotlib.pyplot as plt\nplt.plot([1, 2]);",
    "%config InlineBackend.close_figures = False",
    "42",
    "'last'",
)
LOOKS = (  # a kernel of its own shows nothing of it
    "sorted(set(globals()))",
    "_, __, ___, _1, Out, In, _i, _ii",
    "In, _ih, len(Out), len(_oh), [name for name in globals() if name.startswith('_')]",
    "def f(x: 'int' = 1): ...\nclass A: a: int\nA.__annotations__, f.__annotations__",
    "from IPython.display import HTML, update_display\nupdate_display(HTML('<i>second</i>'), display_id='mine')",
    "ip = get_ipython()\nip.execution_count, ip.user_ns is globals(), ip.meta",
    "ip.find_magic('mine'), ip.find_cell_magic('mine'), ip.find_magic('precision') is not None",
    "{event: len(found) for event, found in ip.events.callbacks.items() if event != 'post_execute'}",
    "1 + 1, 3.14159, 'as it is'",
    "'as it is'",
    "ip.custom_exceptions, ip.xmode, ip.automagic, ip.ast_node_interactivity, ip.ast_transformers",
    "ip.input_transformers_post, len(ip.input_transformers_cleanup), ip.display_formatter.active_types",
    "sorted(name for name, _ in ip.alias_manager.aliases), ip.hooks.clipboard_get.__class__.__name__",
    "import __main__\n__main__.__dict__ is globals()",
    "import matplotlib.pyplot as plt\nplt.plot([1, 2]);",
    "plt.get_fignums()",
    "1 / 0",
)
AFTER = """
import json, sys
import nbformat
from papermill.engines import papermill_engines
from papermill.iorw import load_notebook_node

def run(sources, engine):
    cells = [nbformat.v4.new_code_cell(source, id=f"c{at}") for at, source in enumerate(sources)]
    for cell in cells:
        cell.metadata["tags"] = ["raises-exception"]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=json.loads(sys.argv[4]))
    how = {"kernel_name": "python3", "progress_bar": False, "log_output": False}
    done = papermill_engines.execute_notebook_with_engine(engine, load_notebook_node(notebook), **how)
    return [[cell.execution_count, cell.outputs] for cell in done.cells]

engine = sys.argv[1] or None
if sys.argv[2] != "[]":
    run(json.loads(sys.argv[2]), engine)
print(json.dumps(run(json.loads(sys.argv[3]), engine)))
"""


def looked(*before, engine="candich", cwd):
    metadata = json.dumps(KERNEL)
    return run_clean(AFTER, engine, json.dumps(before), json.dumps(LOOKS), metadata, cwd=cwd)


@pytest.mark.slow
def test_nothing_of_a_notebook_is_seen_by_the_next_one_in_its_process(tmp_path):
    after, alone = looked(*LEAVES, cwd=tmp_path), looked(cwd=tmp_path)
    for source, one, other in zip(LOOKS, after, alone, strict=True):
        assert re.sub("0x[0-9a-f]+", "", json.dumps(one)) == re.sub("0x[0-9a-f]+", "", json.dumps(other)), source
    assert "image/png" in json.dumps(after[-3]) and "ZeroDivisionError" in json.dumps(after[-1])


@pytest.mark.slow
def test_a_notebook_sees_what_it_sees_in_a_kernel(tmp_path):
    ours, theirs = looked(cwd=tmp_path), looked(engine="", cwd=tmp_path)
    for found in (ours, theirs):
        del found[-1][1][0]["traceback"]  # a kernel colours it
    differ = [source for source, one, other in zip(LOOKS, ours, theirs, strict=True) if one != other]
    assert differ == []


def test_an_error_stops_the_notebook_and_says_where():
    with pytest.raises(papermill.PapermillExecutionError) as caught:
        run(make_notebook("1 / 0", "print('never')"))
    assert (caught.value.ename, caught.value.cell_index, caught.value.exec_count) == ("ZeroDivisionError", 2, 3)


@pytest.mark.parametrize("source", ["1 +", "import sys; sys.exit(3)", "raise KeyboardInterrupt", "input()"])
def test_other_ways_to_fail_are_errors_too(source):
    with pytest.raises(papermill.PapermillExecutionError):
        run(make_notebook(source))


def test_every_reply_is_told_and_exit_0_is_not_well():
    replies = {}
    done = run(make_notebook("import sys\nsys.exit(0)", "'never'"), on_reply=replies.__setitem__)
    assert replies == {0: True, 1: True, 2: False}
    assert done.cells[-1].execution_count is None


def test_a_tolerated_error_does_not_stop_it():
    notebook = make_notebook("1 / 0", "'after'")
    notebook.cells[2].metadata["tags"] = ["raises-exception"]
    replies = {}
    with pytest.raises(papermill.PapermillExecutionError):  # Papermill itself refuses any error output
        run(notebook, on_reply=replies.__setitem__)
    assert replies[3] is True


@pytest.mark.slow
def test_a_cell_that_takes_too_long_is_stopped():
    with pytest.raises(CellTimeoutError):
        run(make_notebook("import time\ntime.sleep(30)"), execution_timeout=1)


@pytest.mark.slow
def test_the_command_line_takes_it_for_an_analysts_own_notebook(tmp_path):
    nbformat.write(make_notebook("from beside import x\nprint(unit, x)", end=""), tmp_path / "in.ipynb")
    (tmp_path / "beside.py").write_text("x = 5")
    command = [sys.executable, "-m", "papermill", "--engine", "candich", "in.ipynb", "out.ipynb", "-p", "unit", "Hà"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert outputs(nbformat.read(tmp_path / "out.ipynb", 4), "cell-0")[0].text == "Hà 5\n"


@pytest.mark.slow
def test_inside_a_jupyter_kernel_the_ordinary_engine_runs_it(tmp_path):
    inner = make_notebook("import os\nos.environ['INNER'] = '1'\n2 + 2", end="")
    nbformat.write(inner, tmp_path / "inner.ipynb")
    outer = nbformat.v4.new_notebook(metadata=KERNEL)
    outer.cells = [
        nbformat.v4.new_code_cell(
            "import os, papermill as pm\n"
            "done = pm.execute_notebook('inner.ipynb', None, engine_name='candich', progress_bar=False)\n"
            "(done.cells[2].outputs[0].data['text/plain'], os.environ.get('INNER'))"
        )
    ]
    done = papermill.execute_notebook(outer, None, cwd=tmp_path, progress_bar=False)
    assert done.cells[0].outputs[-1].data["text/plain"] == "('4', None)"

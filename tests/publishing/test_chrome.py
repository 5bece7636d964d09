import re
from pathlib import Path

from analysis.publishing import chrome, exporter, jobs, notice, site
from analysis.publishing.chrome import VIETNAMESE, policy, short_script, words

FOLDER = Path(chrome.__file__).parent


def said():
    """Every sentence the room looks up, by its call."""
    found = set(site.TOP_PAGES.values()) | {exporter.SIMULATED}
    for path in [*FOLDER.glob("*.py"), *(FOLDER / "template").glob("*.j2")]:
        text = path.read_text(encoding="utf-8")
        found |= {two for _, two in re.findall(r"""\b_\((["'])((?:(?!\1).)+)\1\)""", text)}
    return found


def test_every_sentence_has_a_vietnamese_one():
    assert len(said()) > 20
    missing = {one for one in said() if words("vi")(one) == one}
    assert missing == set()


def test_no_sentence_lies_there_unused():
    assert set(VIETNAMESE) - said() == set()


def test_both_languages_name_the_same_values():
    for english, vietnamese in VIETNAMESE.items():
        assert sorted(re.findall(r"{\w*}", english)) == sorted(re.findall(r"{\w*}", vietnamese))


def test_the_modules_are_the_ones_meant():
    assert all(module.__file__.startswith(str(FOLDER)) for module in (exporter, jobs, notice, site))


def test_the_policy_allows_no_script_but_the_page_s_own():
    assert "script-src" not in policy("")
    script = short_script("heat.js")
    assert re.search(r"script-src 'sha256-[A-Za-z0-9+/]{43}='$", policy(script))
    assert policy(script) != policy(script + " ")
    for name in ("heat.js", "figures.js", "search.js"):
        assert "</" not in short_script(name) and "innerHTML" not in short_script(name)

import re

from analysis.publishing.chrome import policy, short_script


def test_the_policy_allows_no_script_but_the_page_s_own():
    assert "script-src" not in policy("")
    script = short_script("heat.js")
    assert re.search(r"script-src 'sha256-[A-Za-z0-9+/]{43}='$", policy(script))
    assert policy(script) != policy(script + " ")
    for name in ("heat.js", "figures.js", "search.js"):
        assert "</" not in short_script(name) and "innerHTML" not in short_script(name)

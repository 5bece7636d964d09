"""Files of tests in the order in which workers should take them: long ones first, so that none is left over."""

LONG = ("acceptance", "browser", "slow")


def pytest_collection_modifyitems(items):
    """Sort files by their longest kind of test; within a file the order stays as it is written."""
    weight = {}
    for item in items:
        kinds = [at for at, mark in enumerate(LONG) if item.get_closest_marker(mark)]
        weight[item.path] = min([weight.get(item.path, len(LONG)), *kinds])
    items.sort(key=lambda item: weight[item.path])

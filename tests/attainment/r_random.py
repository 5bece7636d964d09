"""R's ``set.seed`` and ``sample`` (R >= 3.6), so that public examples that were made with them can be repeated here."""

import numpy as np


class R:
    """Mersenne Twister seeded as R seeds it; ``sample`` by rejection."""

    def __init__(self, seed):
        state = []
        for step in range(50 + 625):
            seed = (69069 * seed + 1) % 2**32
            if step >= 50:
                state.append(seed)
        self._bits = np.random.MT19937()
        self._bits.state = {
            "bit_generator": "MT19937",
            "state": {"key": np.array(state[1:], dtype=np.uint32), "pos": 624},
        }

    def _uniform(self):
        return int(self._bits.random_raw()) * 2.3283064365386963e-10

    def _index(self, n):
        bits = int(np.ceil(np.log2(n)))
        while True:
            value = 0
            for _ in range(0, bits + 1, 16):
                value = 65536 * value + int(self._uniform() * 65536)
            value &= (1 << bits) - 1
            if value < n:
                return value

    def sample(self, values, size, *, replace=False):
        pool, out = list(values), []
        for _ in range(size):
            at = self._index(len(pool))
            out.append(pool[at])
            if not replace:
                pool[at] = pool[-1]
                pool.pop()
        return out

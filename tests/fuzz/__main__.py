"""``make fuzz``: five minutes of changed inputs, by another seed each time; what breaks is kept in ``crashes/``."""

from __future__ import annotations

import logging
import random
import sys
import time
from hashlib import sha256

from tests.fuzz.targets import CRASHES, TARGETS, holds, mutated, seeds

_MAX_SECONDS = 10


def main(seconds: float) -> int:
    """Tries inputs for so long; how many broke something or took too long."""
    logging.disable(logging.CRITICAL)  # an error behind the one door is logged, and is what is looked for
    seed = random.SystemRandom().randint(0, 1 << 32)
    chance, ends = random.Random(seed), time.monotonic() + seconds  # noqa: S311  (no secret)
    pools = {target: seeds(target) for target in TARGETS}
    tried = broken = 0
    while time.monotonic() < ends:
        target = chance.choice(list(TARGETS))
        content = mutated(chance.choice(pools[target]), pools[target], chance)
        begun = time.process_time()
        sound = holds(target, content) and time.process_time() - begun < _MAX_SECONDS
        tried += 1
        if not sound:
            broken += 1
            CRASHES.mkdir(exist_ok=True)
            (CRASHES / f"{target}-{sha256(content).hexdigest()[:12]}").write_bytes(content)
    sys.stdout.write(f"seed {seed}: {tried} inputs, {broken} broke something; they are in {CRASHES}\n")
    return min(broken, 1)


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 300))

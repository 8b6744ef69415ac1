"""List texts with forbidden wording: `python -m tests.wording [ROOM or PATH]...`; `--lower` updates allowed.toml."""

import sys
from collections import Counter

from tests.wording.patterns import hits
from tests.wording.ratchet import counts, lower
from tests.wording.texts import product_texts


def main(words: list[str]) -> None:
    if "--lower" in words:
        lower()
        return
    matches = [hit for text in product_texts() for hit in hits(text)]
    chosen = [hit for hit in matches if not words or any(str(hit.text.path).startswith(word) for word in words)]
    for hit in sorted(chosen, key=lambda hit: (hit.text.path, hit.text.line)) if words else ():
        print(f"{hit}\n    instead: {hit.pattern.instead}")
    if not words:
        for room, number in sorted(counts().items()):
            print(f"{number:>6} {room}")
    by_pattern = Counter(hit.match.lower() for hit in chosen)
    print(f"{len(chosen)} in total;", ", ".join(f"{match} {number}" for match, number in by_pattern.most_common(40)))


main(sys.argv[1:])

"""What the agent says while a user types elsewhere."""

from __future__ import annotations

from itertools import count

TOKENS = 5000


def answer() -> str:
    """Markdown of 5,000 words: what has to be highlighted is the hardest to stream."""
    kinds = (
        lambda n: f"## Part {n}",
        lambda n: " ".join(f"word{n}-{each}" for each in range(60)),
        lambda n: "```lua\n" + "\n".join([f"local x = call({n}, 'abc')"] * 15) + "\n```",
        lambda n: "\n".join(f"- item **{n}** with `code {each}`" for each in range(12)),
        lambda n: "\n".join(f"{each + 1}. thing _{n}_ [there](x.md)" for each in range(12)),
    )
    parts: list[str] = []
    for number in count():
        parts.append(kinds[number % len(kinds)](number))
        if len(words := "\n\n".join(parts).split(" ")) >= TOKENS:
            return " ".join(words[:TOKENS])
    raise AssertionError

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

from claude_agent_lsp.terminal.demo.story import CODE

PICTURE = Path(__file__).parents[2] / "docs" / "images" / "demo.svg"


def test_picture_is_light_whole_and_tells_nothing_of_the_machine_it_was_drawn_on() -> None:
    assert PICTURE.stat().st_size < 150_000
    words = " ".join(text for text in ET.parse(PICTURE).getroot().itertext())
    shown = re.sub(r"\s+", " ", words.replace("\xa0", " "))
    assert CODE in shown
    assert re.search(r"closed after \d+ ms, -32800 after \d+ ms", shown)
    assert not re.search(r"/(home|work|tmp|Users|root)\b|file:", PICTURE.read_text())
    # What a README shows loads nothing from elsewhere.
    addresses = re.findall(r"https?://[^\"' )]+", PICTURE.read_text())
    assert set(addresses) == {"http://www.w3.org/2000/svg"}

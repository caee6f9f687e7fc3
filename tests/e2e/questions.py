"""The built-in questions of the kind `chat`, read from the source that asks them, with the answer to each."""

import os
import re

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "src", "model", "question.rs")


def questions():
    """`(what is asked, its usual answer)` of each."""
    with open(SOURCE) as file:
        found = re.findall(r'^    (?:word|number)\("([^"]+)", &\["([^"]+)"', file.read(), re.M)
    if len(found) < 10:
        raise SystemExit(f"{SOURCE} holds {len(found)} questions that can be read; this file must learn its new form")
    return found

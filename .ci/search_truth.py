#!/usr/bin/env python3
"""What searches should find in a folder of raw mails, by Python's own `email`, `html` and `unicodedata`.

An independent second opinion, as `mail_facts.py`: sets of words over decoded text. `real_mail.py` asks the service.

    .ci/search_truth.py FOLDER...      prints the searches, and how many mails each should find
"""

import email
import email.policy
import html.parser
import random
import re
import sys
import unicodedata
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path

# Letters that Unicode doesn't decompose; the service writes them plain.
PLAIN = str.maketrans({"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})
BLOCKS = {
    "address", "article", "blockquote", "br", "center", "dd", "div", "dl", "dt", "form", "h1", "h2", "h3", "h4", "h5",
    "h6", "hr", "img", "input", "li", "ol", "option", "p", "pre", "table", "tbody", "td", "th", "title", "tr", "ul",
}


@dataclass
class Text:
    """The words of a mail, in reading order: its subject and its body."""

    sections: list[list[str]]
    words: set[str] = field(init=False)

    def __post_init__(self) -> None:
        self.words = {word for section in self.sections for word in section}

    def has(self, phrase: list[str]) -> bool:
        size = len(phrase)
        return any(
            section[at : at + size] == phrase
            for section in self.sections
            if self.words.issuperset(phrase)
            for at in range(len(section) - size + 1)
        )


@dataclass
class Search:
    """A question, and the mails that answer it."""

    q: str
    found: set[str]


def words(text: str) -> list[str]:
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).lower())
    plain = "".join(each for each in decomposed if not unicodedata.combining(each)).translate(PLAIN)
    return re.findall(r"[^\W_]+", plain)


def text(mail: EmailMessage) -> Text:
    return Text([words(str(mail.get("Subject", ""))), words(body(mail))])


def body(part: EmailMessage) -> str:
    """What a reader sees of a part, as text."""
    if part.is_multipart() and part.get_content_maintype() == "multipart":
        parts = [body(each) for each in part.iter_parts()]
        if part.get_content_subtype() != "alternative":
            return "\n".join(parts)
        plain = [each for each, of in zip(parts, part.iter_parts()) if of.get_content_type() != "text/html"]
        return next((each for each in plain + parts if each.strip()), "")
    if part.get_filename() or part.get_content_disposition() == "attachment":
        return ""
    content_type = part.get_content_type()
    if content_type == "text/plain":
        return decoded(part)
    if content_type == "text/html":
        reader = Reader()
        reader.feed(decoded(part))
        reader.close()
        return "".join(reader.seen)
    return ""


def decoded(part: EmailMessage) -> str:
    raw = part.get_payload(decode=True) or b""
    for charset in [part.get_content_charset(), "utf-8", "windows-1252"]:
        try:
            if charset not in (None, "us-ascii"):
                return raw.decode(charset)
        except (LookupError, UnicodeDecodeError):
            pass
    return raw.decode("latin-1")


class Reader(html.parser.HTMLParser):
    """The text of a page, without what isn't shown."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.seen: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.hidden += tag in ("script", "style")
        self.seen.append("\n" if tag in BLOCKS else "")
        # What stands in for a picture is read.
        if tag == "img":
            self.seen.append(f" {dict(attributes).get('alt') or ''}\n")

    def handle_endtag(self, tag: str) -> None:
        self.hidden -= tag in ("script", "style") and self.hidden > 0
        self.seen.append("\n" if tag in BLOCKS else "")

    def handle_data(self, data: str) -> None:
        self.seen.append("" if self.hidden else data)


def searches(texts: dict[str, Text], seed: int = 4) -> list[Search]:
    """Fifty: single words from the rarest to those in most mails, several words, phrases, and words to be left out."""
    chance = random.Random(seed)
    common: dict[str, int] = {}
    for each in texts.values():
        for word in each.words:
            common[word] = common.get(word, 0) + 1
    by_number = sorted((number, word) for word, number in common.items() if 2 <= len(word) <= 20)
    # Evenly over how common they are, not over how many there are of each.
    top = by_number[-1][0]
    picked: list[str] = []
    while len(picked) < 20:
        number = round(top ** chance.random())
        near = [word for each, word in by_number if abs(each - number) <= max(1, number // 10)]
        word = chance.choice(near) if near else None
        if word and word not in picked:
            picked.append(word)
    asked = [(f"{word} ", [[word]], []) for word in picked]
    keys = sorted(texts)

    def phrase(size: int) -> list[str]:
        while True:
            section = max(texts[chance.choice(keys)].sections, key=len)
            if len(section) > size:
                at = chance.randrange(len(section) - size)
                return section[at : at + size]

    for size in [2] * 8 + [3] * 6 + [4] * 4:
        sought = phrase(size)
        asked.append((f'"{" ".join(sought)}"', [sought], []))
    for _ in range(6):
        one, other = phrase(1), phrase(1)
        asked.append((f"{one[0]} {other[0]} ", [one, other], []))
    for _ in range(3):
        one, without = phrase(1), phrase(1)
        asked.append((f"{one[0]} -{without[0]} ", [one], [without]))
    for _ in range(3):
        one, sought = phrase(1), phrase(2)
        asked.append((f'{one[0]} "{" ".join(sought)}"', [one, sought], []))
    return [
        Search(q, {
            key
            for key, each in texts.items()
            if all(each.has(part) for part in has) and not any(each.has(part) for part in lacks)
        })
        for q, has, lacks in asked
    ]


def main() -> None:
    texts = {}
    for directory in sys.argv[1:]:
        for path in sorted(each for each in Path(directory).rglob("*") if each.is_file()):
            texts[str(path)] = text(email.message_from_bytes(path.read_bytes(), policy=email.policy.default))
    for search in searches(texts):
        print(f"{len(search.found):5} {search.q}")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""What a folder of raw mails holds, counted by Python's own `email` package.

An independent second opinion: it shares nothing with the service whose answers are compared with it.

    .ci/mail_facts.py FOLDER...      prints the figures
"""

import email
import email.policy
import hashlib
import re
import sys
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import parseaddr
from pathlib import Path


@dataclass
class Facts:
    """The figures of one folder; mails are named by their Message-ID."""

    mails: int = 0
    message_ids: set[str] = field(default_factory=set)
    senders: dict[str, str] = field(default_factory=dict)
    """Message-ID → address of From, in lower case."""
    threads: set[frozenset[str]] = field(default_factory=set)
    """The mails of each thread."""
    named_parts: dict[str, list[dict]] = field(default_factory=dict)
    """Message-ID → `{filename, sha256, bytes}` of every part with a file name, in their order."""
    files: dict[str, str] = field(default_factory=dict)
    """Message-ID → the file it stands in."""


def facts(directory: str | Path) -> Facts:
    """Counts what is in the raw mails of a folder."""
    found = Facts()
    threads = UnionFind()
    for path in sorted(p for p in Path(directory).rglob("*") if p.is_file()):
        mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        found.mails += 1
        own = [each for value in raw_fields(mail, "Message-ID") for each in bracketed(value)][:1]
        message_id = own[0] if own else f"file:{path.name}"
        found.message_ids.add(message_id)
        found.files[message_id] = path.name
        found.senders[message_id] = sender(mail)
        parts = [named_part(part) for part in mail.walk() if part.get_filename()]
        if parts:
            found.named_parts[message_id] = parts
        threads.find(message_id)
        for referenced in references(mail):
            threads.union(message_id, referenced)
    by_root: dict[str, set[str]] = {}
    for message_id in found.message_ids:
        by_root.setdefault(threads.find(message_id), set()).add(message_id)
    found.threads = {frozenset(members) for members in by_root.values()}
    return found


def sender(mail: EmailMessage) -> str:
    """The address of From, in lower case."""
    return parseaddr(str(mail.get("From", "")).replace("\n", " "))[1].lower()


def references(mail: EmailMessage) -> list[str]:
    """The Message-IDs of References, and the last one of In-Reply-To."""
    found = bracketed(" ".join(raw_fields(mail, "References")))
    for value in raw_fields(mail, "In-Reply-To"):
        found += bracketed(value)[-1:]
    return found


def raw_fields(mail: EmailMessage, name: str) -> list[str]:
    """The fields of this name as they were written: `email` drops ids that it finds malformed."""
    return [str(value) for key, value in mail.raw_items() if key.lower() == name.lower()]


def bracketed(value: str) -> list[str]:
    """Every non-empty `<…>`, without blanks that folding left inside."""
    ids = (re.sub(r"\s+", "", each) for each in re.findall(r"<([^<>]*)>", value))
    return [each for each in ids if each]


# Writes a mail as it was read, with nothing folded and no `From` quoted.
UNCHANGED = email.policy.compat32.clone(mangle_from_=False, max_line_length=None)


def named_part(part: EmailMessage) -> dict:
    """A part with a file name; a mail within is the bytes that it has there."""
    content = part.get_payload(decode=True)
    if content is None:
        content = b"".join(each.as_bytes(policy=UNCHANGED) for each in part.get_payload())
    return {
        "filename": part.get_filename(),
        "content_type": part.get_content_type(),
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
    }


class UnionFind:
    """Sets that grow together."""

    def __init__(self) -> None:
        self.parents: dict[str, str] = {}

    def find(self, name: str) -> str:
        self.parents.setdefault(name, name)
        while self.parents[name] != name:
            self.parents[name] = self.parents[self.parents[name]]
            name = self.parents[name]
        return name

    def union(self, one: str, other: str) -> None:
        self.parents[self.find(one)] = self.find(other)


def main() -> None:
    senders: set[str] = set()
    for directory in sys.argv[1:]:
        found = facts(directory)
        senders |= set(found.senders.values())
        print(
            f"{directory}: {found.mails} mails, {len(found.message_ids)} Message-IDs, "
            f"{len(set(found.senders.values()))} senders, {len(found.threads)} threads, "
            f"{sum(map(len, found.named_parts.values()))} named parts"
        )
    print(f"{len(senders)} senders in all")


if __name__ == "__main__":
    main()

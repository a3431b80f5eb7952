#!/usr/bin/env python3
"""Runs the service on real mail, over HTTP, and compares it with what Python's `email` package finds there.

    .ci/real_mail.py BINARY FOLDER      FOLDER holds easy-ham-2.tar.gz and hard-ham-1.tar.gz

Every mail goes into e-mail channels of a fresh organization four times: in file order, reversed, shuffled, and eight
at a time. Then an agent does the main job with someone who wrote from two addresses.
"""

import collections
import hashlib
import http.client
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import traceback
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from email.utils import parseaddr
from pathlib import Path

import mail_facts
import search_truth

FOLDERS = ["easy-ham-2", "hard-ham-1"]
CONTACTS = 605
CONVERSATIONS = {"easy-ham-2": 677, "hard-ham-1": 250}
MOST_MEMORY = 100 * 1024 * 1024
PASSWORD = "correct horse battery staple"
STATUSES = "status=open&status=closed&status=spam"

passed, failed = 0, 0


def check(what: str, holds: bool, otherwise: object = "") -> None:
    """Counts and prints what was seen."""
    global passed, failed
    passed, failed = passed + bool(holds), failed + (not holds)
    print(f"  {'ok  ' if holds else 'FAIL'} {what}" + ("" if holds else f": {str(otherwise)[-2000:]}"), flush=True)


def equal(what: str, found: object, expected: object) -> None:
    check(f"{what}: {found}", found == expected, f"expected {expected}")


# What the mails hold.


class Mail:
    """One mail of the corpus."""

    def __init__(self, folder: str, path: Path) -> None:
        self.folder = folder
        self.raw = path.read_bytes()
        self.parsed = mail_facts.email.message_from_bytes(self.raw, policy=mail_facts.email.policy.default)
        own = [each for value in mail_facts.raw_fields(self.parsed, "Message-ID") for each in mail_facts.bracketed(value)]
        self.key = own[0] if own else f"file:{path.name}"
        self.sender = mail_facts.sender(self.parsed)
        self.name = parseaddr(str(self.parsed.get("From", "")))[0].strip()


def read_mails(archives: Path, into: Path) -> tuple[list[Mail], dict[str, mail_facts.Facts]]:
    for archive in FOLDERS:
        with tarfile.open(archives / f"{archive}.tar.gz") as tar:
            tar.extractall(into, filter="data")
    mails = [
        Mail(folder, path)
        for folder in FOLDERS
        for path in sorted(each for each in (into / folder).rglob("*") if each.is_file())
    ]
    return mails, {folder: mail_facts.facts(into / folder) for folder in FOLDERS}


# The service.


class Service:
    """The built service over a private PostgreSQL of its own."""

    def __init__(self, binary: Path, folder: Path) -> None:
        self.binary = binary
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": os.environ.get("HOME", "/"),
            "DOSSIER_BIND": f"127.0.0.1:{self.port}",
            "DOSSIER_DATA_DIR": str(folder / "data"),
            "DOSSIER_DEMO": "off",
            "DOSSIER_LOG": "warn",
        }
        self.log = folder / "service.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([binary], env=self.environment, stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"the service did not start: {self.log.read_text()[-2000:]}")
            time.sleep(0.1)

    def is_ready(self) -> bool:
        try:
            return Client(self.port).call("GET", "/readyz").status == 200
        except OSError:
            return False

    def command(self, *arguments: str) -> str:
        done = subprocess.run([self.binary, *arguments], env=self.environment, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"dossier {arguments[0]}: {done.stderr}")
        return done.stdout.strip()

    def organization(self, name: str) -> "Client":
        """The administrator of a new organization, by the command line."""
        email = f"admin@{name}.example"
        self.command("create-organization", "--name", name, "--admin-email", email, "--admin-password", PASSWORD)
        return Client(self.port, self.command("token", "--email", email).splitlines()[-1])

    def most_memory(self) -> int | None:
        """The largest resident set so far, where there is a /proc."""
        try:
            status = Path(f"/proc/{self.process.pid}/status").read_text()
        except OSError:
            return None
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


class Answer:
    def __init__(self, status: int, headers: http.client.HTTPMessage, body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self) -> dict:
        return json.loads(self.body)


class Client:
    """Someone with a token; each thread has a connection of its own."""

    def __init__(self, port: int, token: str = "") -> None:
        self.port, self.token = port, token
        self.local = threading.local()

    def call(self, method: str, path: str, body: object = None, content_type: str = "application/json") -> Answer:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if body is not None:
            headers["Content-Type"] = content_type
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
        # A connection that was idle may have been closed.
        if time.monotonic() - getattr(self.local, "used", 0) > 30:
            self.local.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        self.local.used = time.monotonic()
        self.local.connection.request(method, path, body, headers)
        response = self.local.connection.getresponse()
        return Answer(response.status, response.headers, response.read())

    def expect(self, status: int, method: str, path: str, body: object = None) -> dict:
        """The answer's JSON, where the status is as expected; else the whole run ends."""
        answer = self.call(method, path, body)
        if answer.status != status:
            raise RuntimeError(f"{method} {path}: {answer.status}, not {status}: {answer.body.decode()[:1000]}")
        return answer.json if answer.body else {}

    def get(self, path: str) -> dict:
        return self.expect(200, "GET", path)

    def walk(self, path: str) -> list[dict]:
        """A list to its end."""
        path += ("&" if "?" in path else "?") + "limit=200"
        found, page = [], self.get(path)
        while True:
            found += page["data"]
            if page["next_cursor"] is None:
                return found
            page = self.get(f"{path}&cursor={page['next_cursor']}")


# What is compared.


class Import:
    """All mails in a fresh organization."""

    def __init__(self, service: Service, name: str, mails: list[Mail], at_once: int = 1) -> None:
        self.client = service.organization(name)
        self.mails = mails
        self.channels = {
            folder: self.client.expect(201, "POST", "/v1/channels", {"name": folder, "medium": "email"})["id"]
            for folder in FOLDERS
        }
        self.ids: dict[str, str] = {}
        started = time.monotonic()
        answers = self.send(mails, at_once)
        seconds = time.monotonic() - started
        refused = [f"{answer.status} {answer.body.decode()[:300]}" for answer in answers if answer.status != 201]
        check(f"{len(mails)} mails came in, {len(mails) / seconds:.0f} a second", not refused, refused[:3])
        self.ids = {mail.key: answer.json["message_id"] for mail, answer in zip(mails, answers) if answer.status == 201}

    def send(self, mails: list[Mail], at_once: int = 1) -> list[Answer]:
        def one(mail: Mail) -> Answer:
            return self.client.call("POST", f"/v1/channels/{self.channels[mail.folder]}/inbound", mail.raw, "message/rfc822")

        with ThreadPoolExecutor(at_once) as threads:
            return list(threads.map(one, mails))

    def conversations(self, folder: str) -> list[dict]:
        return self.client.walk(f"/v1/conversations?{STATUSES}&channel_id={self.channels[folder]}")

    def threads(self, folder: str) -> set[frozenset[str]]:
        """The Message-IDs of each conversation."""
        keys = {message_id: key for key, message_id in self.ids.items()}

        def one(conversation: dict) -> frozenset[str]:
            messages = self.client.walk(f"/v1/conversations/{conversation['id']}/messages")
            if len(messages) != conversation["message_count"]:
                check("message_count is the number of messages", False, conversation)
            return frozenset(keys.get(message["id"], message["id"]) for message in messages)

        with ThreadPoolExecutor(4) as threads:
            return set(threads.map(one, self.conversations(folder)))

    def compare(self, facts: dict[str, mail_facts.Facts]) -> None:
        contacts = self.client.walk("/v1/contacts")
        equal("contacts", len(contacts), CONTACTS)
        senders = {sender for each in facts.values() for sender in each.senders.values()}
        addresses = {contact["address"] for contact in contacts}
        check("each with an address that Python finds too", addresses == senders, sorted(addresses ^ senders)[:10])
        for folder, found in facts.items():
            threads = self.threads(folder)
            equal(f"conversations of {folder}", len(threads), CONVERSATIONS[folder])
            equal(f"messages of {folder}", sum(map(len, threads)), found.mails)
            differing = [sorted(each)[:5] for each in threads ^ found.threads]
            check("the same mails in each", not differing, differing[:3])

    def compare_attachments(self, facts: dict[str, mail_facts.Facts]) -> None:
        for folder, found in facts.items():
            missing, changed, count = [], [], 0
            for key, parts in found.named_parts.items():
                message = self.client.get(f"/v1/messages/{self.ids[key]}")
                attachments = list(message["attachments"])
                for part in parts:
                    count += 1
                    fitting = [each for each in attachments if each["sha256"] == part["sha256"]]
                    if not fitting:
                        missing.append((key, part, [each["filename"] for each in attachments]))
                        continue
                    attachments.remove(fitting[0])
                    url = urllib.parse.urlsplit(fitting[0]["url"])
                    linked = Client(self.client.port).call("GET", f"{url.path}?{url.query}")
                    with_token = self.client.call("GET", f"/v1/attachments/{fitting[0]['id']}/content")
                    for answer in (linked, with_token):
                        if answer.status != 200 or hashlib.sha256(answer.body).hexdigest() != part["sha256"]:
                            changed.append((key, part, answer.status, len(answer.body)))
            check(f"the {count} parts with a file name of {folder} are attachments", not missing, missing[:3])
            check("and come back byte for byte", not changed, changed[:3])

    def compare_raw(self) -> None:
        sample = random.Random(2).sample(self.mails, 50)
        changed = [m.key for m in sample if self.client.call("GET", f"/v1/messages/{self.ids[m.key]}/raw").body != m.raw]
        check("50 raw mails come back byte for byte", not changed, changed[:3])

    def compare_searches(self) -> None:
        """Fifty searches, to their last page. Plain words are compared as they are, so not by their endings."""
        self.client.expect(200, "PATCH", "/v1/organization", {"language": "ja"})
        texts = {mail.key: search_truth.text(mail.parsed) for mail in self.mails}
        keys = {message_id: key for key, message_id in self.ids.items()}
        searches = search_truth.searches(texts)
        wrong, hits = [], 0
        for search in searches:
            found = {keys[hit] for hit in self.searched(search.q)}
            hits += len(found)
            if found != search.found:
                wrong.append((search.q, "missing", sorted(search.found - found)[:3], "extra", sorted(found - search.found)[:3]))
        check(f"{len(searches)} searches find what Python finds, {hits} mails in all", not wrong, wrong)
        self.client.expect(200, "PATCH", "/v1/organization", {"language": "en"})
        plain = [search for search in searches if not set(search.q) & set('"-')]
        lost = [search.q for search in plain if search.found - {keys[hit] for hit in self.searched(search.q)}]
        check(f"{len(plain)} of plain words find them by their endings, too", not lost, lost)

    def searched(self, q: str) -> set[str]:
        """The ids of the messages that a search finds."""
        path = f"/v1/search?type=message&sort=newest&limit=200&q={urllib.parse.quote(q)}"
        found, cursor = [], ""
        while cursor is not None:
            (section,) = self.client.get(f"{path}&cursor={cursor}" if cursor else path)["sections"]
            found += [hit["id"] for hit in section["data"]]
            cursor = section["next_cursor"]
        if len(found) != len(set(found)):
            check("a search finds each message once", False, q)
        return set(found)

    def again(self) -> None:
        before = [self.conversations(folder) for folder in FOLDERS]
        answers = self.send(self.mails, 4)
        statuses = dict(collections.Counter(answer.status for answer in answers))
        equal("the same mails again, by status", statuses, {200: len(self.mails)})
        others = [m.key for m, a in zip(self.mails, answers) if a.status != 200 or a.json["message_id"] != self.ids[m.key]]
        check("each is the message that it was", not others, others[:3])
        check("nothing was added", [self.conversations(folder) for folder in FOLDERS] == before)


def two_addresses(mails: list[Mail]) -> tuple[str, list[str]]:
    """Someone who wrote from two addresses, under one name: who wrote most."""
    by_name: dict[str, collections.Counter] = {}
    for mail in mails:
        if re.fullmatch(r"[A-Z][a-z]+ [A-Z][a-z]+", mail.name) and mail.sender:
            by_name.setdefault(mail.name, collections.Counter())[mail.sender] += 1
    name, counts = max(
        ((name, counts) for name, counts in by_name.items() if len(counts) == 2), key=lambda each: (each[1].total(), each[0])
    )
    return name, [address for address, _ in counts.most_common()]


def agents_job(made: Import, facts: dict[str, mail_facts.Facts]) -> None:
    name, addresses = two_addresses(made.mails)
    print(f"  {name} wrote from {addresses[0]} and {addresses[1]}")
    email = "grace@agents.example"
    user = {"email": email, "name": "Grace Hopper", "role": "agent", "password": PASSWORD}
    made.client.expect(201, "POST", "/v1/users", user)
    session = Client(made.client.port).expect(200, "POST", "/v1/auth/login", {"email": email, "password": PASSWORD})
    agent = Client(made.client.port, session["access_token"])

    # Which conversations they took part in, by Python: those with a mail of theirs.
    threads = [thread for each in facts.values() for thread in each.threads]
    written = {
        address: {each for each in threads if any(mail.sender == address and mail.key in each for mail in made.mails)}
        for address in addresses
    }
    contacts = [agent.get(f"/v1/contacts?address={urllib.parse.quote(address)}")["data"][0] for address in addresses]
    one, other = (contact["id"] for contact in contacts)

    opened = agent.get(f"/v1/conversations?contact_id={one}")["data"][0]["id"]
    sidebar = agent.get(f"/v1/conversations/{opened}/sidebar?contact_id={one}")
    check("beside an open conversation stands the contact", sidebar["contact"]["contact"]["id"] == one, sidebar)
    check("and no profile yet", sidebar["profile"] is None, sidebar["profile"])

    body = {"new_profile": {"name": name}}
    attached = agent.expect(201, "PUT", f"/v1/contacts/{one}/profile?include=sidebar", body)
    profile = attached["profile"]["id"]
    check("a new profile is created and attached in one step", attached["contact"]["profile_id"] == profile, attached)
    check("and the answer has the sidebar", "sidebar" in attached, list(attached))
    refused = agent.call("PUT", f"/v1/contacts/{one}/profile", {"new_profile": {"name": "Someone else"}})
    holder = refused.json.get("holder", {}).get("profile_id")
    equal("attaching it elsewhere is refused", (refused.status, refused.json["code"]), (409, "contact_already_attached"))
    check("and names the holder", holder == profile, refused.body)

    typed = [each["id"] for each in agent.get(f"/v1/profiles?q={name[:3].lower()}")["data"]]
    check(f"typing \"{name[:3].lower()}\" finds the profile", profile in typed, typed)
    agent.expect(200, "PUT", f"/v1/contacts/{other}/profile", {"profile_id": profile})
    agent.expect(200, "PUT", f"/v1/contacts/{other}/profile", {"profile_id": profile})
    listed = {each["address"] for each in agent.walk(f"/v1/profiles/{profile}/contacts")}
    equal("the profile's contacts", sorted(listed), sorted(addresses))

    def moments() -> set[frozenset[str]]:
        """The profile's history, as threads of Message-IDs."""
        keys = {message_id: key for key, message_id in made.ids.items()}
        entries = agent.walk(f"/v1/profiles/{profile}/contact-moments")
        each = (agent.walk(f"/v1/conversations/{entry['conversation_id']}/messages") for entry in entries)
        return {frozenset(keys.get(message["id"], "new") for message in messages) for messages in each}

    both = written[addresses[0]] | written[addresses[1]]
    equal("conversations in one history from both addresses", len(moments()), len(both))
    check("the same ones as by Python", moments() == both, len(moments() ^ both))

    message = next(mail for mail in made.mails if mail.sender == addresses[1])
    text = agent.get(f"/v1/messages/{made.ids[message.key]}")["body"]
    word = max(re.findall(r"(?<![\w/.@-])[a-z]{5,15}(?![\w/.@-])", text), key=len)
    found = agent.get(f"/v1/profiles/{profile}/contact-moments?q={word}")["data"]
    hits = {hit["message_id"] for entry in found for hit in entry["hits"]}
    check(f"searching \"{word}\" in the history finds the message", made.ids[message.key] in hits, found)
    check("and marks it", all("<mark>" in entry["snippet"] for entry in found), found)

    note = agent.expect(201, "POST", f"/v1/profiles/{profile}/notes", {"body": "Prefers to be called in the morning."})
    sidebar = agent.get(f"/v1/conversations/{opened}/sidebar?contact_id={one}")
    beside = sidebar["profile"]
    check("the profile stands beside the conversation now", beside["profile"]["id"] == profile, sidebar)
    equal("with both contacts", beside["contacts"]["count"], 2)
    equal("and its history", beside["contact_moments"]["count"], len(both))
    check("and the note", [each["id"] for each in beside["notes"]["data"]] == [note["id"]], beside["notes"])
    check("by its author", beside["notes"]["data"][0]["author"]["name"] == "Grace Hopper", beside["notes"])

    raw = f"From: {name} <{addresses[1]}>\r\nMessage-ID: <new@real-mail.test>\r\nSubject: New\r\n\r\nOne more.\r\n"
    path = f"/v1/channels/{made.channels[FOLDERS[0]]}/inbound"
    came = made.client.call("POST", path, raw.encode(), "message/rfc822")
    equal("a new mail comes in", came.status, 201)
    check("and is in the history without anyone doing anything", moments() == both | {frozenset(["new"])})

    agent.expect(204, "DELETE", f"/v1/contacts/{other}/profile")
    check("detached, its conversations leave", moments() == written[addresses[0]], len(moments()))
    history = [entry["action"] for entry in agent.walk(f"/v1/profiles/{profile}/history")]
    equal("the profile's ledger", sorted(history), ["attached", "attached", "created", "detached"])


def main() -> None:
    binary, archives = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    if not archives.parent.exists():
        print(f"skipped: {archives.parent} is not on this machine")
        print("0 passed, 0 failed")
        return
    with tempfile.TemporaryDirectory(prefix="dossier-real-mail-") as folder:
        folder = Path(folder)
        # PostgreSQL doesn't run as root, and its user has to get in.
        folder.chmod(0o755)
        print("What Python finds")
        mails, facts = read_mails(archives, folder)
        equal("mails", len(mails), 1650)
        equal("threads", {name: len(each.threads) for name, each in facts.items()}, CONVERSATIONS)
        equal("senders", len({mail.sender for mail in mails}), CONTACTS)
        service = Service(binary, folder)
        try:
            print("In file order")
            first = Import(service, "ordered", mails)
            first.compare(facts)
            first.compare_attachments(facts)
            first.compare_raw()
            first.compare_searches()
            first.again()
            print("Reversed")
            Import(service, "reversed", mails[::-1]).compare(facts)
            print("Shuffled")
            Import(service, "shuffled", random.Random(1).sample(mails, len(mails))).compare(facts)
            print("Eight at a time")
            Import(service, "parallel", mails, at_once=8).compare(facts)
            print("An agent's job")
            agents_job(first, facts)
            memory = service.most_memory()
            if memory is not None:
                check(f"at most {memory / 2**20:.0f} MiB of memory", memory < MOST_MEMORY, "100 MiB are allowed")
        except Exception as error:  # what was seen until then still counts
            check("goes on to the end", False, "".join(traceback.format_exception(error)))
        finally:
            ended = service.stop()
        equal("the service ends well", ended, 0)
        complaints = [line for line in service.log.read_text().splitlines() if '"ERROR"' in line]
        check("and met no error of its own", not complaints, complaints[:3])
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()

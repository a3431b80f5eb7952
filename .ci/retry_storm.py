#!/usr/bin/env python3
"""A client that repeats every write with its key ends where a client that sent each once does.

    .ci/retry_storm.py BINARY [SEED]

Two services, each over a private PostgreSQL of its own, get the same writes, made up from the seed. To the calm one each
is sent once. To the other each is sent two to five times under one Idempotency-Key, in a row or at once, and some while
the service and its PostgreSQL are killed with SIGKILL. All answers to one write must be the same, and in the end both
services must show the same: profiles, contacts, links, notes, conversations, messages, files, histories.
"""

import base64
import http.client
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

WRITES = int(os.environ.get("WRITES", 220))
KILLS = int(os.environ.get("KILLS", 8))
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class Service:
    """The program over a folder that nobody else has."""

    def __init__(self, binary, folder):
        self.binary, self.folder, self.log = binary, Path(folder), Path(folder) / "service.log"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.start()
        said = re.search(r"^token\s+(\S+)", self.log.read_text(), re.M)
        self.token = said.group(1)

    def start(self):
        environment = {name: value for name, value in os.environ.items()
                       if name not in ("DATABASE_URL", "DOSSIER_JWT_SECRET", "DOSSIER_STORAGE_URL")}
        environment |= {"DOSSIER_DATA_DIR": str(self.folder / "data"), "DOSSIER_BIND": f"127.0.0.1:{self.port}",
                        "DOSSIER_DEMO": "off", "DOSSIER_LOG": "warn"}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([self.binary, "serve"], env=environment, stdout=log, stderr=log,
                                            start_new_session=True)
        until = time.monotonic() + 60
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > until:
                sys.exit(f"the service doesn't start:\n{self.log.read_text()}")
            time.sleep(0.05)

    def is_ready(self):
        try:
            return self.send("GET", "/readyz")[0] == 200 and (b"token" in self.log.read_bytes())
        except OSError:
            return False
        except http.client.HTTPException:
            return False

    def family(self):
        """The program, its PostgreSQL and that one's children, by their ids."""
        parents = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
        family = [self.process.pid]
        for pid_file in (self.folder / "data").rglob("postmaster.pid"):
            family.append(int(pid_file.read_text().split()[0]))
        for member in family:
            family += [child for child in parents.get(member, []) if child not in family]
        return family

    def kill(self):
        for member in self.family():
            try:
                os.kill(member, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)

    def send(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            headers = dict(headers or {})
            if hasattr(self, "token"):
                headers["Authorization"] = f"Bearer {self.token}"
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read(), dict(answer.getheaders())
        finally:
            connection.close()

    def read(self, path):
        status, body, _ = self.send("GET", path)
        assert status == 200, (path, status, body)
        return json.loads(body)

    def walk(self, path):
        cursor, separator = "", "&" if "?" in path else "?"
        while True:
            page = self.read(f"{path}{separator}limit=200{cursor}")
            yield from page["data"]
            if not page["next_cursor"]:
                return
            cursor = f"&cursor={page['next_cursor']}"


class Calm:
    """Sends every write once."""

    def __init__(self, service):
        self.service = service

    def write(self, number, method, path, body, headers):
        return self.service.send(method, path, body, headers)[:2]


class Stormy:
    """Sends every write two to five times, and pulls the plug now and then."""

    def __init__(self, service, seed):
        self.service, self.random = service, random.Random(seed)
        self.kills = set(self.random.sample(range(10, WRITES), KILLS))
        self.sent = self.replayed = self.cut = 0
        self.pool = ThreadPoolExecutor(6)

    def write(self, number, method, path, body, headers):
        headers = headers | {"Idempotency-Key": str(uuid.UUID(int=self.random.getrandbits(128), version=4))}
        send = lambda: self.service.send(method, path, body, headers)
        times = self.random.randint(2, 5)
        answers = []
        if number in self.kills:
            self.kill_during(send)
        if self.random.random() < 0.5:
            answers = list(self.pool.map(lambda _: self.insist(send), range(times)))
        else:
            answers = [self.insist(send) for _ in range(times)]
        self.sent += times
        self.replayed += sum("idempotency-replayed" in {name.lower() for name in headers} for _, _, headers in answers)
        # A refusal is not kept, but made again, under another request id.
        told = {(status, body if status < 400 else json.loads(body)["code"]) for status, body, _ in answers}
        assert len(told) == 1, f"{method} {path} was answered in {len(told)} ways: {told}"
        return answers[0][:2]

    def kill_during(self, send):
        def cut():
            try:
                send()
            except (OSError, http.client.HTTPException):
                self.cut += 1
        threads = [threading.Thread(target=cut) for _ in range(2)]
        for thread in threads:
            thread.start()
        time.sleep(self.random.random() * 0.02)
        self.service.kill()
        for thread in threads:
            thread.join()
        self.service.start()

    def insist(self, send):
        for _ in range(20):
            status, body, headers = send()
            if status != 503:
                return status, body, headers
            time.sleep(0.2)
        sys.exit("the service stays busy")


class Writer:
    """Makes up writes from a seed, and remembers what they made."""

    def __init__(self, sender, seed):
        self.sender, self.random, self.number = sender, random.Random(seed), 0
        self.made = {"profiles": [], "contacts": [], "conversations": [], "notes": [], "files": []}

    def write(self, method, path, body=None, content_type="application/json"):
        self.number += 1
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        headers = {"Content-Type": content_type} if body is not None else {}
        status, answer = self.sender.write(self.number, method, path, body, headers)
        assert status < 500, (method, path, status, answer)
        # The same refusals on both sides: what is compared in the end shows the rest.
        return json.loads(answer) if answer and status < 300 else None

    def keep(self, kind, made, member="id"):
        if made and made[member] not in self.made[kind]:
            self.made[kind].append(made[member])

    def run(self):
        self.phone = self.write("POST", "/v1/channels", {"name": "Phone", "medium": "whatsapp"})["id"]
        self.mail = self.write("POST", "/v1/channels", {"name": "Mail", "medium": "email"})["id"]
        field = {"key": "relation_number", "label": "Number", "type": "text", "unique": True, "searchable": True}
        self.write("POST", "/v1/profile-fields", field)
        steps = [self.create_profile, self.upsert_profile, self.change_profile, self.message, self.message,
                 self.message, self.raw_mail, self.attach, self.attach, self.detach, self.note, self.edit_note,
                 self.answer, self.answer, self.change_conversation, self.upload, self.contact, self.batch]
        rare = [self.delete_profile, self.delete_note, self.delete_contact]
        while self.number < WRITES:
            self.random.choice(steps if self.random.random() < 0.93 else rare)()

    def any(self, kind):
        return self.random.choice(self.made[kind]) if self.made[kind] else str(uuid.UUID(int=0))

    def name(self):
        return f"{self.random.choice(['Ada', 'Grace', 'Edsger', 'Barbara'])} {self.random.randint(1, 999)}"

    def address(self, medium):
        number = self.random.randint(1, 40)
        return f"+3161234{number:04}" if medium == "whatsapp" else f"customer-{number}@example.com"

    def person(self):
        return {"name": self.name(), "fields": {"relation_number": f"R-{self.random.randint(1, 30)}"},
                "contacts": [{"medium": "email", "address": self.address("email")}]}

    def create_profile(self):
        self.keep("profiles", self.write("POST", "/v1/profiles", self.person()))

    def upsert_profile(self):
        self.keep("profiles", self.write("POST", "/v1/profiles?upsert_on=relation_number", self.person()))

    def change_profile(self):
        self.write("PATCH", f"/v1/profiles/{self.any('profiles')}", {"name": self.name()})

    def delete_profile(self):
        self.write("DELETE", f"/v1/profiles/{self.any('profiles')}")

    def contact(self):
        self.keep("contacts", self.write("POST", "/v1/contacts", {"medium": "email", "address": self.address("email")}))
        self.write("PATCH", f"/v1/contacts/{self.any('contacts')}", {"name": self.name()})

    def delete_contact(self):
        self.write("DELETE", f"/v1/contacts/{self.any('contacts')}")

    def attach(self):
        body = {"profile_id": self.any("profiles"), "on_conflict": "move"}
        if self.random.random() < 0.3:
            body = {"new_profile": {"name": self.name()}}
        made = self.write("PUT", f"/v1/contacts/{self.any('contacts')}/profile", body)
        self.keep("profiles", made and made["profile"])

    def detach(self):
        self.write("DELETE", f"/v1/contacts/{self.any('contacts')}/profile")

    def message(self):
        files = [{"filename": "a.txt", "content_type": "text/plain", "data": base64.b64encode(self.name().encode()).decode()}]
        body = {"external_id": f"m-{self.random.randint(1, 500)}", "from": {"address": self.address("whatsapp")},
                "body": self.name(), "attachments": files if self.random.random() < 0.4 else []}
        self.came_in(self.write("POST", f"/v1/channels/{self.phone}/inbound", body))

    def raw_mail(self):
        number = self.random.randint(1, 60)
        references = " ".join(f"<{self.random.randint(1, 60)}@x>" for _ in range(self.random.randint(0, 2)))
        mail = (f"From: {self.address('email')}\r\nMessage-ID: <{number}@x>\r\nReferences: {references}\r\n"
                f"Subject: About {number}\r\n\r\n{self.name()}\r\n")
        self.came_in(self.write("POST", f"/v1/channels/{self.mail}/inbound", mail.encode(), "message/rfc822"))

    def came_in(self, made):
        self.keep("contacts", made, "contact_id")
        self.keep("conversations", made, "conversation_id")

    def note(self):
        on = self.random.choice(["profiles", "contacts", "conversations"])
        self.keep("notes", self.write("POST", f"/v1/{on}/{self.any(on)}/notes", {"body": self.name()}))

    def edit_note(self):
        self.write("PATCH", f"/v1/notes/{self.any('notes')}", {"body": self.name(), "pinned": True})

    def delete_note(self):
        self.write("DELETE", f"/v1/notes/{self.any('notes')}")

    def upload(self):
        content = (f'--b\r\nContent-Disposition: form-data; name="file"; filename="{self.random.randint(1, 9)}.txt"\r\n'
                   f"Content-Type: text/plain\r\n\r\n{self.name()}\r\n--b--\r\n")
        self.keep("files", self.write("POST", "/v1/attachments", content.encode(), "multipart/form-data; boundary=b"))

    def answer(self):
        files = [self.made["files"].pop()] if self.made["files"] else []
        body = {"body": self.name(), "attachment_ids": files}
        self.write("POST", f"/v1/conversations/{self.any('conversations')}/messages", body)

    def change_conversation(self):
        body = {"status": self.random.choice(["open", "closed", "spam"]), "subject": self.name()}
        self.write("PATCH", f"/v1/conversations/{self.any('conversations')}", body)

    def batch(self):
        operations = [{"op": "upsert", "resource": "profile", "upsert_on": "relation_number", "body": self.person()}
                      for _ in range(self.random.randint(1, 6))]
        operations.append({"op": "update", "resource": "contact", "id": self.any("contacts"), "body": {"name": self.name()}})
        operations.append({"op": "detach", "resource": "contact", "id": self.any("contacts")})
        made = self.write("POST", "/v1/batch", {"atomic": self.random.random() < 0.4, "operations": operations})
        for result in made["results"] if made else []:
            if result["outcome"] == "created":
                self.keep("profiles", result)


def dump(service):
    """All that the API shows, in the order in which it was made."""
    profiles = list(service.walk("/v1/profiles?sort=created_at"))
    contacts = list(service.walk("/v1/contacts?sort=created_at"))
    every = "status=open&status=closed&status=spam"
    conversations = sorted(service.walk(f"/v1/conversations?{every}"), key=lambda one: one["created_at"])
    everything = [profiles, contacts, conversations]
    for kind, these, lists in (
        ("profiles", profiles, ["contacts", "notes", "history", "attachments", "contact-moments"]),
        ("contacts", contacts, ["notes", "history", "attachments", "contact-moments"]),
        ("conversations", conversations, ["contacts", "notes", "messages"]),
    ):
        for one in these:
            everything.append([list(service.walk(f"/v1/{kind}/{one['id']}/{name}")) for name in lists])
    return everything


def normalised(dumped):
    """Without times and signed links, and with ids numbered as they come."""
    def without(value):
        if isinstance(value, list):
            return [without(one) for one in value]
        if isinstance(value, dict):
            return {name: without(one) for name, one in value.items()
                    if not name.endswith("_at") and name != "at" and "url" not in name}
        return value

    numbers = {}
    text = json.dumps(without(dumped), indent=1, sort_keys=True)
    return UUID.sub(lambda found: f"#{numbers.setdefault(found.group(), len(numbers))}", text)


def main():
    binary, seed = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)  # PostgreSQL doesn't run as root, and must find its way
        services = []
        try:
            for name in ("calm", "stormy"):
                (Path(folder) / name).mkdir(mode=0o755)
                services.append(Service(binary, Path(folder) / name))
            calm, stormy = services
            Writer(Calm(calm), seed).run()
            storm = Stormy(stormy, seed)
            Writer(storm, seed).run()
            expected, found = normalised(dump(calm)), normalised(dump(stormy))
        finally:
            for service in services:
                service.stop()
    if expected != found:
        import difflib
        difference = difflib.unified_diff(expected.splitlines(), found.splitlines(), "once", "again and again", n=6)
        sys.exit("\n".join(list(difference)[:200]))
    print(f"{WRITES} writes, sent {storm.sent} times, {storm.replayed} answered again from what was kept, {KILLS} times "
          f"killed with {storm.cut} answers cut off: the same state, {len(found.splitlines())} lines "
          f"({time.monotonic() - started:.0f} s)")


if __name__ == "__main__":
    main()

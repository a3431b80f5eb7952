"""An agent's main job, through a client that is generated from openapi/openapi.json.

    DOSSIER_URL=… DOSSIER_EMAIL=… DOSSIER_PASSWORD=… python job.py      as an administrator, who may make a channel
"""

import os
import uuid
from http import HTTPStatus
from typing import TypeVar

from api import AuthenticatedClient, Client
from api.api.access import get_me, login
from api.api.channels import archive_channel, create_channel
from api.api.contact_moments import list_profile_contact_moments
from api.api.contacts import attach_contact, detach_contact, get_contact
from api.api.conversations import list_conversations
from api.api.inbound import receive_message
from api.api.notes import create_profile_note
from api.api.profiles import update_profile
from api.api.sidebar import get_sidebar
from api.models import (
    AttachContact,
    AttachedContact,
    CreateChannel,
    CreateNote,
    InboundMessage,
    InboundSender,
    Login,
    Medium,
    NewProfile,
    Problem,
    Profile,
    Received,
    UpdateProfile,
)
from api.types import Response

T = TypeVar("T")


def expect(answer: Response[T | Problem]) -> T:
    """The data of an answer, or the problem that came instead."""
    assert answer.parsed is not None, answer
    assert not isinstance(answer.parsed, Problem), answer.parsed
    return answer.parsed


def problem(answer: Response[T | Problem], code: str) -> None:
    assert isinstance(answer.parsed, Problem) and answer.parsed.code == code, answer


url, email = os.environ["DOSSIER_URL"], os.environ["DOSSIER_EMAIL"]
anonymous = Client(base_url=url, raise_on_unexpected_status=True)
problem(login.sync_detailed(client=anonymous, body=Login(email=email, password="not the password")), "credentials_invalid")
session = expect(login.sync_detailed(client=anonymous, body=Login(email=email, password=os.environ["DOSSIER_PASSWORD"])))
api = AuthenticatedClient(base_url=url, token=session.access_token, raise_on_unexpected_status=True)
me = expect(get_me.sync_detailed(client=api))
assert me.email == email

# Somebody writes, from two addresses.
run = uuid.uuid4()
channel = expect(create_channel.sync_detailed(client=api, body=CreateChannel(name=f"Python {run}", medium=Medium.EMAIL)))


def write(address: str, body: str) -> Received:
    sender = InboundSender(address=address, name="Ada Lovelace")
    message = InboundMessage(external_id=str(uuid.uuid4()), from_=sender, body=body)
    return expect(receive_message.sync_detailed(channel.id, client=api, body=message))


work = write(f"ada.{run}@work.example", "Where is my order?")
home = write(f"ada.{run}@home.example", "And my other order?")

page = expect(list_conversations.sync_detailed(client=api, channel_id=[channel.id], limit=1))
assert [one.id for one in page.data] == [home.conversation_id]
assert page.data[0].contact.name == "Ada Lovelace" and page.data[0].profile is None
assert page.next_cursor
rest = list_conversations.sync_detailed(client=api, channel_id=[channel.id], limit=1, cursor=page.next_cursor)
assert [one.id for one in expect(rest).data] == [work.conversation_id]

# Create-and-attach, and attach the other.
made = attach_contact.sync_detailed(
    work.contact_id,
    client=api,
    body=AttachContact(new_profile=NewProfile(name="Ada Lovelace")),
    idempotency_key=str(uuid.uuid4()),
)
assert made.status_code == HTTPStatus.CREATED
profile = expect(made).profile


def attach_other(body: AttachContact) -> Response[AttachedContact | Problem]:
    return attach_contact.sync_detailed(home.contact_id, client=api, body=body)


attached = expect(attach_other(AttachContact(profile_id=profile.id)))
assert attached.profile.contact_count == 2
problem(attach_other(AttachContact(new_profile=NewProfile(name="Another"))), "contact_already_attached")

moments = expect(list_profile_contact_moments.sync_detailed(profile.id, client=api, q="order"))
assert [moment.conversation_id for moment in moments.data] == [home.conversation_id, work.conversation_id]

text = CreateNote(body="Prefers to be called in the morning.", mentions=[me.id])
note = expect(create_profile_note.sync_detailed(profile.id, client=api, body=text))
sidebar = expect(get_sidebar.sync_detailed(work.conversation_id, client=api))
assert sidebar.contact.contact.id == work.contact_id
assert sidebar.profile is not None and sidebar.profile.profile.id == profile.id
assert {contact.id for contact in sidebar.profile.contacts.data} == {work.contact_id, home.contact_id}
assert [each.id for each in sidebar.profile.notes.data] == [note.id]


# Two edit at once: the second is told.
def edit(name: str) -> Response[Problem | Profile]:
    version = f'"{attached.profile.version}"'
    return update_profile.sync_detailed(profile.id, client=api, body=UpdateProfile(name=name), if_match=version)


expect(edit("Ada King"))
problem(edit("Ada Byron"), "version_mismatch")

assert detach_contact.sync_detailed(home.contact_id, client=api).status_code == HTTPStatus.NO_CONTENT
assert expect(get_contact.sync_detailed(home.contact_id, client=api)).profile is None
expect(archive_channel.sync_detailed(channel.id, client=api))
print("Python: done")

CREATE TABLE timeline_entries (
    organization_id uuid NOT NULL,
    owner_id uuid NOT NULL,
    at timestamptz NOT NULL,
    id uuid NOT NULL,
    type text COLLATE "C" NOT NULL,
    event_id uuid NOT NULL,
    conversation_id uuid,
    PRIMARY KEY (organization_id, owner_id, at, id) INCLUDE (type)
);
COMMENT ON TABLE timeline_entries IS 'which events stand on whose timeline; messages and files are read from their own tables';
COMMENT ON COLUMN timeline_entries.owner_id IS 'a contact or a profile; an event of a conversation is there once for each contact that takes part';
COMMENT ON COLUMN timeline_entries.id IS 'that of the event; where one event is several entries, the others have ids of their own';
COMMENT ON COLUMN timeline_entries.conversation_id IS 'the conversation it is of, today: who joins it later has its entries too';

-- A change of a conversation's status and one of its assignee are two entries. Who takes part comes from the
-- conversation that is there today.
INSERT INTO timeline_entries (organization_id, owner_id, at, id, type, event_id, conversation_id)
SELECT DISTINCT ON (told.organization_id, owner.id, told.occurred_at, told.entry_id)
    told.organization_id, owner.id, told.occurred_at, told.entry_id, told.entry_type, told.id, told.in_conversation
FROM (
    SELECT
        events.*,
        entry.type AS entry_type,
        CASE WHEN entry.type = 'assignee_changed' AND events.after ? 'status'
            THEN md5(events.id::text || entry.type)::uuid ELSE events.id END AS entry_id,
        coalesce(redirects.conversation_id, events.conversation_id) AS in_conversation
    FROM events
    CROSS JOIN LATERAL (VALUES
        ('profile_created', events.type = 'profile.created'),
        ('profile_updated', events.type = 'profile.updated'),
        ('profile_merged', events.type = 'profile.merged'),
        ('contact_created', events.type = 'contact.created'),
        ('contact_renamed', events.type = 'contact.updated'),
        ('contact_attached', events.type = 'contact.attached'),
        ('contact_moved', events.type = 'contact.moved'),
        ('contact_detached', events.type = 'contact.detached'),
        ('contact_deleted', events.type = 'contact.deleted'),
        ('note_created', events.type = 'note.created'),
        ('note_edited', events.type = 'note.updated' AND (events.after ? 'body' OR events.after ? 'mentions')),
        ('note_deleted', events.type = 'note.deleted'),
        ('status_changed', events.type = 'conversation.updated' AND events.after ? 'status'),
        ('assignee_changed', events.type = 'conversation.updated' AND events.after ? 'assignee_id')
    ) AS entry (type, is_told)
    LEFT JOIN conversation_redirects AS redirects
        ON redirects.organization_id = events.organization_id AND redirects.id = events.conversation_id
        AND events.type IN ('note.created', 'note.updated', 'note.deleted', 'conversation.updated')
    WHERE entry.is_told
) AS told
CROSS JOIN LATERAL (
    SELECT told.profile_id WHERE told.type IN ('profile.created', 'profile.updated', 'profile.merged')
    UNION ALL
    SELECT told.contact_id WHERE told.type IN ('contact.created', 'contact.updated')
    UNION ALL
    SELECT ledger.id
    FROM (VALUES (told.contact_id), (told.profile_id), (told.from_profile_id)) AS ledger (id)
    WHERE told.type IN ('contact.attached', 'contact.moved', 'contact.detached')
    UNION ALL
    SELECT told.from_profile_id WHERE told.type = 'contact.deleted'
    UNION ALL
    SELECT noted.id
    FROM (VALUES (told.contact_id), (told.profile_id)) AS noted (id)
    WHERE told.type IN ('note.created', 'note.updated', 'note.deleted')
    UNION ALL
    SELECT participants.contact_id
    FROM conversation_participants AS participants
    WHERE participants.organization_id = told.organization_id
        AND participants.conversation_id = told.in_conversation
        AND told.type IN ('note.created', 'note.updated', 'note.deleted', 'conversation.updated')
) AS owner (id)
WHERE owner.id IS NOT NULL;

-- A rare type isn't looked for among all others.
CREATE INDEX timeline_entries_type_idx ON timeline_entries (organization_id, owner_id, type, at, id);
CREATE INDEX timeline_entries_conversation_idx ON timeline_entries (organization_id, conversation_id)
    WHERE conversation_id IS NOT NULL;
ALTER TABLE timeline_entries
    ADD CONSTRAINT timeline_entries_event_fkey
        FOREIGN KEY (organization_id, event_id) REFERENCES events (organization_id, id),
    ADD CONSTRAINT timeline_entries_conversation_fkey
        FOREIGN KEY (organization_id, conversation_id) REFERENCES conversations (organization_id, id);

-- Files that were sent; what is part of a mail's text is not among them.
CREATE INDEX attachments_contact_files_idx ON attachments (organization_id, contact_id, occurred_at, id)
    WHERE message_id IS NOT NULL AND NOT inline;

CREATE TABLE note_mentions (
    organization_id uuid NOT NULL,
    note_id uuid NOT NULL,
    user_id uuid NOT NULL,
    mentioned_at timestamptz NOT NULL,
    read_at timestamptz,
    CONSTRAINT note_mentions_pkey PRIMARY KEY (organization_id, note_id, user_id),
    CONSTRAINT note_mentions_note_fkey FOREIGN KEY (organization_id, note_id)
        REFERENCES notes (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT note_mentions_user_fkey FOREIGN KEY (organization_id, user_id) REFERENCES users (organization_id, id)
);
CREATE INDEX note_mentions_user_idx ON note_mentions (organization_id, user_id, mentioned_at, note_id);
CREATE INDEX note_mentions_unread_idx ON note_mentions (organization_id, user_id, mentioned_at, note_id)
    WHERE read_at IS NULL;
COMMENT ON TABLE note_mentions IS 'who is mentioned in which note, the same as its mentions: what a user''s list of mentions is read from';
COMMENT ON COLUMN note_mentions.mentioned_at IS 'when the note, or the edit that mentions the user, was written';
COMMENT ON COLUMN note_mentions.read_at IS 'when the user marked it as read';

-- Nobody could mark them as read until now; what was written before isn't news.
INSERT INTO note_mentions (organization_id, note_id, user_id, mentioned_at, read_at)
SELECT DISTINCT notes.organization_id, notes.id, users.id, notes.created_at, now()
FROM notes CROSS JOIN LATERAL unnest(notes.mentions) AS mentioned (user_id)
JOIN users ON users.organization_id = notes.organization_id AND users.id = mentioned.user_id;

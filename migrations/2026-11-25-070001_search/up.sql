-- What is found. Vectors hold more than words now (see src/db/search_vector.rs): the service makes those of older rows
-- anew in the background; the partial indexes name them.
ALTER TABLE messages ADD COLUMN search_edition smallint NOT NULL DEFAULT 0;
ALTER TABLE conversation_subjects ADD COLUMN search_edition smallint NOT NULL DEFAULT 0;
ALTER TABLE notes ADD COLUMN search tsvector NOT NULL DEFAULT '', ADD COLUMN search_edition smallint NOT NULL DEFAULT 0;
ALTER TABLE attachments ADD COLUMN search tsvector NOT NULL DEFAULT '', ADD COLUMN search_edition smallint NOT NULL DEFAULT 0;

CREATE INDEX messages_stale_idx ON messages (organization_id, id) WHERE search_edition < 1;
CREATE INDEX conversation_subjects_stale_idx ON conversation_subjects (organization_id, conversation_id) WHERE search_edition < 1;
CREATE INDEX notes_stale_idx ON notes (organization_id, id) WHERE search_edition < 1;
CREATE INDEX attachments_stale_idx ON attachments (organization_id, id) WHERE search_edition < 1;

CREATE INDEX messages_occurred_idx ON messages (organization_id, occurred_at, id);
CREATE INDEX notes_created_idx ON notes (organization_id, created_at, id);
CREATE INDEX attachments_occurred_idx ON attachments (organization_id, occurred_at, id) WHERE message_id IS NOT NULL;
CREATE INDEX notes_search_idx ON notes USING gin (search);
CREATE INDEX attachments_search_idx ON attachments USING gin (search);

-- How common a word is decides how it is looked for; the usual sample knows a hundred times ten words.
ALTER TABLE messages ALTER COLUMN search SET STATISTICS 400;

COMMENT ON COLUMN messages.search IS 'the words of subject and body with their places and weights, their stems (~stem), and the organization (@…), at most 1 MiB';
COMMENT ON COLUMN messages.search_edition IS 'how search was made';
COMMENT ON COLUMN conversation_subjects.search_edition IS 'how search was made';
COMMENT ON COLUMN notes.search IS 'as of messages';
COMMENT ON COLUMN notes.search_edition IS 'how search was made';
COMMENT ON COLUMN attachments.search IS 'as of messages, of the file name';
COMMENT ON COLUMN attachments.search_edition IS 'how search was made';

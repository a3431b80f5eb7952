ALTER TABLE blobs ADD COLUMN unused_since timestamptz;
CREATE INDEX blobs_unused_idx ON blobs (unused_since) WHERE unused_since IS NOT NULL;
CREATE INDEX attachments_unsent_idx ON attachments (created_at) WHERE message_id IS NULL;
CREATE INDEX attachments_occurrences_idx ON attachments (organization_id, sha256, occurred_at, id);
DROP INDEX attachments_sha256_idx;
COMMENT ON COLUMN blobs.unused_since IS 'when its bytes were about to be written, or the last file of them was removed; null once a file or a message has them';

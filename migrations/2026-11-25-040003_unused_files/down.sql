CREATE INDEX attachments_sha256_idx ON attachments (organization_id, sha256);
DROP INDEX attachments_occurrences_idx;
DROP INDEX attachments_unsent_idx;
ALTER TABLE blobs DROP COLUMN unused_since;

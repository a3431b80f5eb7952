ALTER TABLE messages ALTER COLUMN search SET STATISTICS -1;
DROP INDEX messages_occurred_idx;
ALTER TABLE attachments DROP COLUMN search, DROP COLUMN search_edition;
DROP INDEX attachments_occurred_idx;
ALTER TABLE notes DROP COLUMN search, DROP COLUMN search_edition;
DROP INDEX notes_created_idx;
ALTER TABLE conversation_subjects DROP COLUMN search_edition;
ALTER TABLE messages DROP COLUMN search_edition;
COMMENT ON COLUMN messages.search IS 'subject and body as split and folded by the service, at most 1 MiB';

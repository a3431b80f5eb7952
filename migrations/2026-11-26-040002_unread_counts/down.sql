ALTER TABLE conversation_reads
    DROP CONSTRAINT conversation_reads_pkey,
    ADD PRIMARY KEY (organization_id, user_id, conversation_id);
DROP INDEX conversations_status_idx;
CREATE INDEX conversations_status_idx ON conversations (organization_id, status, last_message_at, id);

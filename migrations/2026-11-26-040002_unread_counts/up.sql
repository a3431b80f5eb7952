-- Unread conversations are counted among the newest thousands: when something came in, and when it was read, is found in
-- the index, not in the table behind it.
DROP INDEX conversations_status_idx;
CREATE INDEX conversations_status_idx ON conversations (organization_id, status, last_message_at, id)
    INCLUDE (last_inbound_at);
ALTER TABLE conversation_reads
    DROP CONSTRAINT conversation_reads_pkey,
    ADD PRIMARY KEY (organization_id, user_id, conversation_id) INCLUDE (read_at);

CREATE TABLE blobs (
    organization_id uuid NOT NULL REFERENCES organizations (id),
    sha256 bytea NOT NULL CONSTRAINT blobs_sha256_check CHECK (octet_length(sha256) = 32),
    byte_size bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, sha256)
);
COMMENT ON TABLE blobs IS 'bytes in the storage, once an organization, named by their SHA-256';

ALTER TABLE messages ADD FOREIGN KEY (organization_id, raw_sha256) REFERENCES blobs (organization_id, sha256);

CREATE TABLE attachments (
    organization_id uuid NOT NULL,
    id uuid NOT NULL,
    sha256 bytea NOT NULL,
    filename text NOT NULL,
    content_type text NOT NULL,
    byte_size bigint NOT NULL,
    kind text NOT NULL CONSTRAINT attachments_kind_check CHECK (kind IN ('image', 'document', 'audio', 'video', 'other')),
    width integer,
    height integer,
    content_id text,
    inline boolean NOT NULL DEFAULT false,
    message_id uuid,
    conversation_id uuid,
    contact_id uuid,
    channel_id uuid,
    direction text,
    position integer NOT NULL DEFAULT 0,
    occurred_at timestamptz,
    created_by_type text NOT NULL,
    created_by_id uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, sha256) REFERENCES blobs (organization_id, sha256),
    FOREIGN KEY (organization_id, message_id) REFERENCES messages (organization_id, id),
    FOREIGN KEY (organization_id, conversation_id) REFERENCES conversations (organization_id, id),
    FOREIGN KEY (organization_id, contact_id) REFERENCES contacts (organization_id, id),
    FOREIGN KEY (organization_id, channel_id) REFERENCES channels (organization_id, id),
    CONSTRAINT attachments_exchanged_check CHECK (num_nulls(message_id, conversation_id, contact_id, channel_id, direction, occurred_at) IN (0, 6))
);
CREATE INDEX attachments_message_idx ON attachments (organization_id, message_id, position) WHERE message_id IS NOT NULL;
CREATE INDEX attachments_conversation_idx ON attachments (organization_id, conversation_id, occurred_at, id) WHERE message_id IS NOT NULL;
CREATE INDEX attachments_contact_idx ON attachments (organization_id, contact_id, occurred_at, id) WHERE message_id IS NOT NULL;
CREATE INDEX attachments_sha256_idx ON attachments (organization_id, sha256);
COMMENT ON TABLE attachments IS 'one occurrence of a file: uploaded, and once its message names it, exchanged';
COMMENT ON COLUMN attachments.content_id IS 'by which an HTML mail refers to it (RFC 2392)';

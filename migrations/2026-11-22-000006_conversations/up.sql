CREATE TABLE conversations (
    organization_id uuid NOT NULL REFERENCES organizations (id),
    id uuid NOT NULL,
    channel_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    external_id text COLLATE "C",
    subject text,
    status text NOT NULL DEFAULT 'open' CONSTRAINT conversations_status_check CHECK (status IN ('open', 'closed', 'spam')),
    assignee_id uuid,
    message_count integer NOT NULL DEFAULT 0,
    first_message_at timestamptz,
    last_message_at timestamptz NOT NULL,
    last_message_direction text,
    last_inbound_at timestamptz NOT NULL DEFAULT '-infinity',
    preview text NOT NULL DEFAULT '',
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, channel_id) REFERENCES channels (organization_id, id),
    FOREIGN KEY (organization_id, contact_id) REFERENCES contacts (organization_id, id),
    FOREIGN KEY (organization_id, assignee_id) REFERENCES users (organization_id, id),
    CONSTRAINT conversations_external_id_key UNIQUE (organization_id, channel_id, external_id)
) WITH (fillfactor = 80);
CREATE INDEX conversations_status_idx ON conversations (organization_id, status, last_message_at, id);
CREATE INDEX conversations_last_idx ON conversations (organization_id, last_message_at, id);
CREATE INDEX conversations_assignee_idx ON conversations (organization_id, assignee_id, status, last_message_at, id);
CREATE INDEX conversations_channel_idx ON conversations (organization_id, channel_id, status, last_message_at, id);
CREATE INDEX conversations_contact_idx ON conversations (organization_id, contact_id, channel_id, status);
COMMENT ON COLUMN conversations.contact_id IS 'who started it';
COMMENT ON COLUMN conversations.external_id IS 'what the channel calls it';
COMMENT ON COLUMN conversations.last_message_at IS 'when the newest message occurred; without one, when it was created';
COMMENT ON COLUMN conversations.last_inbound_at IS 'when the newest message was received here; what unread compares with';
COMMENT ON COLUMN conversations.preview IS 'the beginning of the newest message';

CREATE TABLE conversation_subjects (
    organization_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    search tsvector NOT NULL,
    PRIMARY KEY (organization_id, conversation_id),
    FOREIGN KEY (organization_id, conversation_id) REFERENCES conversations (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX conversation_subjects_search_idx ON conversation_subjects USING gin (search);
COMMENT ON TABLE conversation_subjects IS 'the words of subjects, kept apart so that a new message does not index them again';

CREATE TABLE conversation_redirects (
    organization_id uuid NOT NULL,
    id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, conversation_id) REFERENCES conversations (organization_id, id)
);
CREATE INDEX conversation_redirects_conversation_idx ON conversation_redirects (organization_id, conversation_id);
COMMENT ON TABLE conversation_redirects IS 'conversations that turned out to be part of another';

CREATE TABLE conversation_participants (
    organization_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    joined_at timestamptz NOT NULL,
    last_message_at timestamptz NOT NULL,
    PRIMARY KEY (organization_id, conversation_id, contact_id),
    FOREIGN KEY (organization_id, conversation_id) REFERENCES conversations (organization_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, contact_id) REFERENCES contacts (organization_id, id)
) WITH (fillfactor = 80);
CREATE INDEX conversation_participants_contact_idx ON conversation_participants (organization_id, contact_id, last_message_at, conversation_id);
COMMENT ON COLUMN conversation_participants.joined_at IS 'when the first message with this contact occurred';
COMMENT ON COLUMN conversation_participants.last_message_at IS 'that of the conversation, so that a contact''s history is read in the order of an index';

CREATE TABLE conversation_reads (
    organization_id uuid NOT NULL,
    user_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    read_at timestamptz NOT NULL,
    PRIMARY KEY (organization_id, user_id, conversation_id),
    FOREIGN KEY (organization_id, user_id) REFERENCES users (organization_id, id),
    FOREIGN KEY (organization_id, conversation_id) REFERENCES conversations (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX conversation_reads_conversation_idx ON conversation_reads (organization_id, conversation_id);

CREATE TABLE messages (
    organization_id uuid NOT NULL,
    id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    external_id text COLLATE "C",
    type text NOT NULL CONSTRAINT messages_type_check CHECK (type IN ('message', 'call')),
    direction text NOT NULL CONSTRAINT messages_direction_check CHECK (direction IN ('inbound', 'outbound')),
    author_type text,
    author_id uuid,
    subject text,
    "to" jsonb NOT NULL DEFAULT '[]',
    cc jsonb NOT NULL DEFAULT '[]',
    body text NOT NULL,
    duration_seconds integer,
    has_html boolean NOT NULL DEFAULT false,
    raw_sha256 bytea,
    occurred_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    search tsvector NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, conversation_id) REFERENCES conversations (organization_id, id),
    FOREIGN KEY (organization_id, channel_id) REFERENCES channels (organization_id, id),
    FOREIGN KEY (organization_id, contact_id) REFERENCES contacts (organization_id, id),
    CONSTRAINT messages_external_id_key UNIQUE (organization_id, channel_id, external_id)
);
CREATE INDEX messages_conversation_idx ON messages (organization_id, conversation_id, occurred_at, id);
CREATE INDEX messages_contact_idx ON messages (organization_id, contact_id, occurred_at, id);
CREATE INDEX messages_raw_idx ON messages (organization_id, raw_sha256) WHERE raw_sha256 IS NOT NULL;
CREATE INDEX messages_search_idx ON messages USING gin (search);
COMMENT ON COLUMN messages.contact_id IS 'the counterpart: who wrote it, or to whom it was written';
COMMENT ON COLUMN messages.external_id IS 'the Message-ID, or what the channel calls it; the same one again writes nothing';
COMMENT ON COLUMN messages.author_type IS 'who wrote an outbound message: user or token';
COMMENT ON COLUMN messages.raw_sha256 IS 'the e-mail as it came in, a blob';
COMMENT ON COLUMN messages.occurred_at IS 'the earlier of what it says and when it was received';
COMMENT ON COLUMN messages.search IS 'subject and body as split and folded by the service, at most 1 MiB';

CREATE TABLE thread_keys (
    organization_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    message_id text COLLATE "C" NOT NULL,
    conversation_id uuid NOT NULL,
    PRIMARY KEY (organization_id, channel_id, message_id),
    FOREIGN KEY (organization_id, channel_id) REFERENCES channels (organization_id, id),
    FOREIGN KEY (organization_id, conversation_id) REFERENCES conversations (organization_id, id)
        DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX thread_keys_conversation_idx ON thread_keys (organization_id, conversation_id);
COMMENT ON TABLE thread_keys IS 'the Message-IDs that mails have or refer to (RFC 5322, 3.6.4), each in one conversation';

CREATE TABLE channels (
    organization_id uuid NOT NULL REFERENCES organizations (id),
    id uuid NOT NULL,
    name text NOT NULL,
    medium text NOT NULL CONSTRAINT channels_medium_check CHECK (medium IN
        ('email', 'whatsapp', 'sms', 'voice', 'live_chat', 'facebook', 'instagram', 'telegram', 'custom')),
    settings jsonb NOT NULL DEFAULT '{}',
    archived_at timestamptz,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX channels_name_idx ON channels (organization_id, name COLLATE "C", id);

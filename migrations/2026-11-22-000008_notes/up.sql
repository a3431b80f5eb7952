CREATE TABLE notes (
    organization_id uuid NOT NULL REFERENCES organizations (id),
    id uuid NOT NULL,
    profile_id uuid,
    contact_id uuid,
    conversation_id uuid,
    body text NOT NULL,
    author_type text NOT NULL,
    author_id uuid,
    pinned boolean NOT NULL DEFAULT false,
    mentions uuid[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    edited_at timestamptz,
    edited_by_type text,
    edited_by_id uuid,
    version integer NOT NULL DEFAULT 1,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, profile_id) REFERENCES profiles (organization_id, id),
    FOREIGN KEY (organization_id, contact_id) REFERENCES contacts (organization_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, conversation_id) REFERENCES conversations (organization_id, id),
    CONSTRAINT notes_on_check CHECK (num_nonnulls(profile_id, contact_id, conversation_id) = 1)
);
CREATE INDEX notes_profile_idx ON notes (organization_id, profile_id, pinned, created_at, id) WHERE profile_id IS NOT NULL;
CREATE INDEX notes_contact_idx ON notes (organization_id, contact_id, pinned, created_at, id) WHERE contact_id IS NOT NULL;
CREATE INDEX notes_conversation_idx ON notes (organization_id, conversation_id, pinned, created_at, id) WHERE conversation_id IS NOT NULL;

CREATE TABLE contacts (
    organization_id uuid NOT NULL REFERENCES organizations (id),
    id uuid NOT NULL,
    medium text NOT NULL,
    scope text COLLATE "C" NOT NULL DEFAULT '',
    address text COLLATE "C" NOT NULL,
    name text,
    sort_name text COLLATE "C" NOT NULL DEFAULT '',
    profile_id uuid,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, profile_id) REFERENCES profiles (organization_id, id),
    CONSTRAINT contacts_address_key UNIQUE (organization_id, medium, scope, address)
);
CREATE INDEX contacts_profile_idx ON contacts (organization_id, profile_id, medium, sort_name, id) WHERE profile_id IS NOT NULL;
CREATE INDEX contacts_name_idx ON contacts (organization_id, sort_name, id);
CREATE INDEX contacts_created_at_idx ON contacts (organization_id, created_at, id);
CREATE INDEX contacts_address_idx ON contacts (organization_id, address, id);
COMMENT ON COLUMN contacts.scope IS 'the channel for media whose addresses mean something only there, else empty';
COMMENT ON COLUMN contacts.address IS 'normalised: E.164, lower-cased e-mail, else as written; never changes';
COMMENT ON COLUMN contacts.sort_name IS 'the name (or address) folded, at most 200 characters: what lists are sorted by';

CREATE TABLE contact_channels (
    organization_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    PRIMARY KEY (organization_id, contact_id, channel_id),
    FOREIGN KEY (organization_id, contact_id) REFERENCES contacts (organization_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, channel_id) REFERENCES channels (organization_id, id)
);
CREATE INDEX contact_channels_channel_idx ON contact_channels (organization_id, channel_id, contact_id);
COMMENT ON TABLE contact_channels IS 'the channels on which a contact was met';

CREATE TABLE contact_terms (
    organization_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    position smallint NOT NULL,
    term text COLLATE "C" NOT NULL,
    profile_id uuid,
    PRIMARY KEY (organization_id, contact_id, position),
    FOREIGN KEY (organization_id, contact_id) REFERENCES contacts (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX contact_terms_term_idx ON contact_terms (organization_id, term, contact_id);
CREATE INDEX contact_terms_profile_idx ON contact_terms (organization_id, term, profile_id) WHERE profile_id IS NOT NULL;
COMMENT ON TABLE contact_terms IS 'the words of a contact''s address and name, by which it and its profile are found';
COMMENT ON COLUMN contact_terms.profile_id IS 'that of the contact';

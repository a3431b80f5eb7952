CREATE TABLE profile_fields (
    organization_id uuid NOT NULL REFERENCES organizations (id),
    id uuid NOT NULL,
    key text NOT NULL,
    label text NOT NULL,
    description text,
    type text NOT NULL CONSTRAINT profile_fields_type_check CHECK (type IN
        ('text', 'number', 'boolean', 'date', 'select', 'multi_select', 'url', 'email', 'phone')),
    options jsonb NOT NULL DEFAULT '[]',
    required boolean NOT NULL DEFAULT false,
    "unique" boolean NOT NULL DEFAULT false,
    searchable boolean NOT NULL DEFAULT false,
    position integer NOT NULL,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, id),
    CONSTRAINT profile_fields_key_key UNIQUE (organization_id, key),
    CONSTRAINT profile_fields_key_check CHECK (key ~ '^[a-z][a-z0-9_]{0,62}$')
);
COMMENT ON COLUMN profile_fields.key IS 'stable name in a profile''s fields; never changes';

CREATE TABLE profiles (
    organization_id uuid NOT NULL REFERENCES organizations (id),
    id uuid NOT NULL,
    name text NOT NULL,
    sort_name text COLLATE "C" NOT NULL,
    kind text NOT NULL DEFAULT 'person' CONSTRAINT profiles_kind_check CHECK (kind IN ('person', 'company')),
    fields jsonb NOT NULL DEFAULT '{}',
    created_by_type text NOT NULL,
    created_by_id uuid,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX profiles_name_idx ON profiles (organization_id, sort_name, id) WHERE deleted_at IS NULL;
CREATE INDEX profiles_created_at_idx ON profiles (organization_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX profiles_updated_at_idx ON profiles (organization_id, updated_at, id) WHERE deleted_at IS NULL;
CREATE INDEX profiles_created_by_idx ON profiles (organization_id, created_by_id, created_at, id) WHERE deleted_at IS NULL;
COMMENT ON COLUMN profiles.sort_name IS 'the name folded, at most 200 characters: what lists are sorted by';
COMMENT ON COLUMN profiles.fields IS 'the values that are read, by the id of their field: one of a deleted field is unreachable';

CREATE TABLE profile_activity (
    organization_id uuid NOT NULL,
    profile_id uuid NOT NULL,
    last_contact_moment_at timestamptz NOT NULL DEFAULT '-infinity',
    PRIMARY KEY (organization_id, profile_id),
    FOREIGN KEY (organization_id, profile_id) REFERENCES profiles (organization_id, id)
) WITH (fillfactor = 80);
CREATE INDEX profile_activity_last_idx ON profile_activity (organization_id, last_contact_moment_at, profile_id);
COMMENT ON TABLE profile_activity IS 'what every message changes, kept apart so that the wide rows of profiles are not rewritten by it';

CREATE TABLE profile_field_values (
    organization_id uuid NOT NULL,
    field_id uuid NOT NULL,
    profile_id uuid NOT NULL,
    sort_value text COLLATE "C" NOT NULL,
    value text NOT NULL,
    unique_key text COLLATE "C",
    PRIMARY KEY (organization_id, field_id, profile_id, sort_value),
    FOREIGN KEY (organization_id, field_id) REFERENCES profile_fields (organization_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, profile_id) REFERENCES profiles (organization_id, id),
    CONSTRAINT profile_field_values_unique_key UNIQUE (organization_id, field_id, unique_key)
);
CREATE INDEX profile_field_values_profile_idx ON profile_field_values (organization_id, profile_id);
CREATE INDEX profile_field_values_sort_idx ON profile_field_values (organization_id, field_id, sort_value, profile_id);
COMMENT ON TABLE profile_field_values IS 'the values of profiles as they are searched and sorted; one row for each option of a multi_select';
COMMENT ON COLUMN profile_field_values.sort_value IS 'the value in a form whose bytes sort as its type does, at most 200 characters';
COMMENT ON COLUMN profile_field_values.value IS 'the whole value as text';
COMMENT ON COLUMN profile_field_values.unique_key IS 'set where the field is unique: the value as it must not occur twice';

CREATE TABLE profile_field_terms (
    organization_id uuid NOT NULL,
    profile_id uuid NOT NULL,
    field_id uuid NOT NULL,
    term text COLLATE "C" NOT NULL,
    PRIMARY KEY (organization_id, profile_id, field_id, term),
    FOREIGN KEY (organization_id, field_id) REFERENCES profile_fields (organization_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, profile_id) REFERENCES profiles (organization_id, id)
);
CREATE INDEX profile_field_terms_term_idx ON profile_field_terms (organization_id, term, profile_id);
CREATE INDEX profile_field_terms_field_idx ON profile_field_terms (organization_id, field_id);
COMMENT ON TABLE profile_field_terms IS 'the words of searchable fields, by which a profile is found';

CREATE TABLE profile_terms (
    organization_id uuid NOT NULL,
    profile_id uuid NOT NULL,
    position smallint NOT NULL,
    term text COLLATE "C" NOT NULL,
    words text COLLATE "C" NOT NULL,
    PRIMARY KEY (organization_id, profile_id, position),
    FOREIGN KEY (organization_id, profile_id) REFERENCES profiles (organization_id, id)
);
CREATE INDEX profile_terms_term_idx ON profile_terms (organization_id, term, profile_id) INCLUDE (words);
COMMENT ON TABLE profile_terms IS 'the words of a profile''s name, by which it is found';
COMMENT ON COLUMN profile_terms.words IS 'all words of the name, each after a space: a second word is looked for without leaving the index';

CREATE TABLE profile_words (
    organization_id uuid NOT NULL REFERENCES organizations (id),
    term text COLLATE "C" NOT NULL,
    PRIMARY KEY (organization_id, term)
);
COMMENT ON TABLE profile_words IS 'every word that a profile''s name has or had, once';

CREATE TABLE profile_spellings (
    organization_id uuid NOT NULL,
    spelling text COLLATE "C" NOT NULL,
    term text COLLATE "C" NOT NULL,
    PRIMARY KEY (organization_id, spelling, term),
    FOREIGN KEY (organization_id, term) REFERENCES profile_words (organization_id, term)
);
COMMENT ON TABLE profile_spellings IS 'the beginning of each word, whole and with one letter left out: where the right spelling of a mistyped word is looked up';

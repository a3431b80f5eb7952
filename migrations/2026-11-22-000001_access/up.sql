CREATE TABLE organizations (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    time_zone text NOT NULL DEFAULT 'UTC',
    default_country text NOT NULL DEFAULT 'NL',
    language text NOT NULL DEFAULT 'en',
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN organizations.time_zone IS 'IANA name; a bare date in a filter is a day in it';
COMMENT ON COLUMN organizations.default_country IS 'ISO 3166-1 alpha-2; completes phone numbers written without a country';
COMMENT ON COLUMN organizations.language IS 'BCP 47 primary language';

CREATE TABLE users (
    organization_id uuid NOT NULL REFERENCES organizations (id),
    id uuid NOT NULL,
    email text NOT NULL,
    name text NOT NULL,
    role text NOT NULL CONSTRAINT users_role_check CHECK (role IN ('admin', 'agent')),
    password_hash text NOT NULL,
    failed_logins integer NOT NULL DEFAULT 0,
    failed_login_at timestamptz,
    deactivated_at timestamptz,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, id),
    CONSTRAINT users_email_key UNIQUE (organization_id, email)
);
CREATE INDEX users_email_idx ON users (email);
CREATE INDEX users_name_idx ON users (organization_id, name COLLATE "C", id);
COMMENT ON COLUMN users.email IS 'lower-cased; unique in its organization, so that one person may work for several';
COMMENT ON COLUMN users.password_hash IS 'argon2id in PHC string format';
COMMENT ON COLUMN users.failed_logins IS 'wrong passwords since the last right one';

CREATE TABLE refresh_tokens (
    organization_id uuid NOT NULL,
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    family_id uuid NOT NULL,
    token_hash bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    rotated_at timestamptz,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, user_id) REFERENCES users (organization_id, id),
    CONSTRAINT refresh_tokens_token_hash_key UNIQUE (token_hash)
);
CREATE INDEX refresh_tokens_family_idx ON refresh_tokens (organization_id, family_id);
CREATE INDEX refresh_tokens_user_idx ON refresh_tokens (organization_id, user_id);
COMMENT ON COLUMN refresh_tokens.family_id IS 'all tokens that descend from one login; one used twice ends them all';
COMMENT ON COLUMN refresh_tokens.token_hash IS 'SHA-256; the token itself is never stored';

CREATE TABLE api_tokens (
    organization_id uuid NOT NULL,
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    name text NOT NULL,
    scope text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, user_id) REFERENCES users (organization_id, id)
);
COMMENT ON COLUMN api_tokens.id IS 'the jti of the JWT; the JWT itself is never stored';
COMMENT ON COLUMN api_tokens.user_id IS 'who made it, and whose role it has';
COMMENT ON COLUMN api_tokens.scope IS 'what it may do, divided by spaces: read, write';

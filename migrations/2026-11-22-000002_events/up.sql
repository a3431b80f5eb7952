CREATE TABLE events (
    organization_id uuid NOT NULL REFERENCES organizations (id),
    id uuid NOT NULL,
    transaction_id bigint NOT NULL DEFAULT (pg_current_xact_id()::text::bigint),
    occurred_at timestamptz NOT NULL DEFAULT now(),
    actor_type text NOT NULL CONSTRAINT events_actor_type_check
        CHECK (actor_type IN ('user', 'token', 'channel', 'system')),
    actor_id uuid,
    type text NOT NULL,
    resource_type text NOT NULL,
    resource_id uuid NOT NULL,
    version integer,
    profile_id uuid,
    from_profile_id uuid,
    contact_id uuid,
    conversation_id uuid,
    before jsonb,
    after jsonb,
    request_id text,
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX events_transaction_idx ON events (organization_id, transaction_id, id);
CREATE INDEX events_profile_idx ON events (organization_id, profile_id, id) WHERE profile_id IS NOT NULL;
CREATE INDEX events_from_profile_idx ON events (organization_id, from_profile_id, id) WHERE from_profile_id IS NOT NULL;
CREATE INDEX events_contact_idx ON events (organization_id, contact_id, id) WHERE contact_id IS NOT NULL;
CREATE INDEX events_resource_idx ON events (organization_id, resource_id, id);
COMMENT ON TABLE events IS 'what happened, written once by the verb that did it, in its transaction; never changed';
COMMENT ON COLUMN events.transaction_id IS 'orders readers behind every transaction that may still commit';
COMMENT ON COLUMN events.type IS 'resource.verb, such as contact.attached';
COMMENT ON COLUMN events.version IS 'the version of the resource after it';
COMMENT ON COLUMN events.from_profile_id IS 'the profile that a contact left';
COMMENT ON COLUMN events.before IS 'the changed fields as they were';
COMMENT ON COLUMN events.after IS 'the changed fields as they became';

CREATE TABLE idempotency_keys (
    organization_id uuid NOT NULL REFERENCES organizations (id),
    caller_id uuid NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    status smallint,
    body text,
    location text,
    version integer,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, caller_id, key)
);
CREATE INDEX idempotency_keys_created_idx ON idempotency_keys (created_at);
COMMENT ON COLUMN idempotency_keys.caller_id IS 'the user or API token that sent it';
COMMENT ON COLUMN idempotency_keys.fingerprint IS 'SHA-256 over method, route and body';
COMMENT ON COLUMN idempotency_keys.body IS 'the answer, set in the transaction that claimed the key; without what is shown only once';

DROP INDEX events_profile_ledger_idx, events_from_profile_ledger_idx, events_contact_ledger_idx;
CREATE INDEX events_profile_idx ON events (organization_id, profile_id, id) WHERE profile_id IS NOT NULL;
CREATE INDEX events_from_profile_idx ON events (organization_id, from_profile_id, id) WHERE from_profile_id IS NOT NULL;
CREATE INDEX events_contact_idx ON events (organization_id, contact_id, id) WHERE contact_id IS NOT NULL;

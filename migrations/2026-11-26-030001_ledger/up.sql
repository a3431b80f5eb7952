-- A history is read without what else happened to its profile or contact, which may be a million messages.
DROP INDEX events_profile_idx, events_from_profile_idx, events_contact_idx;
CREATE INDEX events_profile_ledger_idx ON events (organization_id, profile_id, id) WHERE profile_id IS NOT NULL
    AND type IN ('profile.created', 'profile.merged', 'profile.deleted', 'contact.created', 'contact.attached', 'contact.detached', 'contact.moved', 'contact.deleted');
CREATE INDEX events_from_profile_ledger_idx ON events (organization_id, from_profile_id, id) WHERE from_profile_id IS NOT NULL
    AND type IN ('profile.created', 'profile.merged', 'profile.deleted', 'contact.created', 'contact.attached', 'contact.detached', 'contact.moved', 'contact.deleted');
CREATE INDEX events_contact_ledger_idx ON events (organization_id, contact_id, id) WHERE contact_id IS NOT NULL
    AND type IN ('profile.created', 'profile.merged', 'profile.deleted', 'contact.created', 'contact.attached', 'contact.detached', 'contact.moved', 'contact.deleted');

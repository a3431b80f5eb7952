-- A rare kind isn't looked for among all others.
CREATE INDEX attachments_kind_idx ON attachments (organization_id, contact_id, kind, occurred_at, id) WHERE message_id IS NOT NULL;

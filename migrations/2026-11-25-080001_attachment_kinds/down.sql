DROP INDEX attachments_kind_idx;

DROP INDEX attachments_contact_files_idx;
DROP TABLE timeline_entries;

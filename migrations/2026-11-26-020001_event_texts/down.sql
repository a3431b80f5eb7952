DROP INDEX timeline_entries_event_idx;
DROP TABLE event_texts;

-- What events say, by which they are found on timelines. The service makes the vectors of those that are there already
-- in the background, as it does with those of an earlier edition. What a deleted note said isn't found.
CREATE TABLE event_texts (
    organization_id uuid NOT NULL,
    event_id uuid NOT NULL,
    search tsvector NOT NULL DEFAULT '',
    search_edition smallint NOT NULL DEFAULT 0,
    PRIMARY KEY (organization_id, event_id)
);
COMMENT ON TABLE event_texts IS 'the words of events that say something: notes as they were written then, names and values that changed';
COMMENT ON COLUMN event_texts.search IS 'as of messages';
COMMENT ON COLUMN event_texts.search_edition IS 'how search was made';

INSERT INTO event_texts (organization_id, event_id)
SELECT organization_id, id FROM events
WHERE type IN ('profile.created', 'profile.updated', 'contact.created', 'contact.updated')
    OR (type IN ('note.created', 'note.updated') AND after ? 'body' AND EXISTS (
        SELECT FROM notes WHERE notes.organization_id = events.organization_id AND notes.id = events.resource_id));

ALTER TABLE event_texts ADD CONSTRAINT event_texts_event_fkey
    FOREIGN KEY (organization_id, event_id) REFERENCES events (organization_id, id);
CREATE INDEX event_texts_search_idx ON event_texts USING gin (search);
CREATE INDEX event_texts_stale_idx ON event_texts (organization_id, event_id) WHERE search_edition < 1;

-- From what was found to whose timeline it is on.
CREATE INDEX timeline_entries_event_idx ON timeline_entries (organization_id, event_id);

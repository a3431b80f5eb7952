DELETE FROM event_texts USING events
WHERE events.organization_id = event_texts.organization_id AND events.id = event_texts.event_id
    AND events.type = 'conversation.updated';
DELETE FROM timeline_entries WHERE type = 'subject_changed';

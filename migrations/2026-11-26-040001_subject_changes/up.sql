-- A change of a conversation's subject is an entry of its own, and found by both subjects, as the service writes it from
-- now on; here those that happened before.
INSERT INTO timeline_entries (organization_id, owner_id, at, id, type, event_id, conversation_id)
SELECT
    events.organization_id,
    participants.contact_id,
    events.occurred_at,
    CASE WHEN events.after ?| ARRAY['status', 'assignee_id']
        THEN md5(events.id::text || 'subject_changed')::uuid ELSE events.id END,
    'subject_changed',
    events.id,
    participants.conversation_id
FROM events
LEFT JOIN conversation_redirects AS redirects
    ON redirects.organization_id = events.organization_id AND redirects.id = events.conversation_id
JOIN conversation_participants AS participants
    ON participants.organization_id = events.organization_id
    AND participants.conversation_id = coalesce(redirects.conversation_id, events.conversation_id)
WHERE events.type = 'conversation.updated' AND events.after ? 'subject';

INSERT INTO event_texts (organization_id, event_id)
SELECT organization_id, id FROM events WHERE type = 'conversation.updated' AND after ? 'subject';

-- The deletion of a contact keeps what the contact was, as the service writes it from now on; here of those that were
-- deleted before.
UPDATE events AS deleted
SET before = made.after || coalesce(renamed.after, '{}')
FROM events AS made
LEFT JOIN LATERAL (
    SELECT events.after
    FROM events
    WHERE events.organization_id = made.organization_id
    AND events.resource_id = made.resource_id
    AND events.type = 'contact.updated'
    ORDER BY events.id DESC
    LIMIT 1
) AS renamed ON true
WHERE deleted.type = 'contact.deleted' AND deleted.before IS NULL
AND made.organization_id = deleted.organization_id AND made.resource_id = deleted.resource_id
AND made.type = 'contact.created';

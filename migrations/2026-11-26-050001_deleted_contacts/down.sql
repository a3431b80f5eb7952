UPDATE events SET before = NULL WHERE type = 'contact.deleted';

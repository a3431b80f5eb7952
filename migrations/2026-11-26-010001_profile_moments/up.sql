-- A search looks up the last contact moment of each candidate: found in the index, not in the table behind it.
ALTER TABLE profile_activity
    DROP CONSTRAINT profile_activity_pkey,
    ADD PRIMARY KEY (organization_id, profile_id) INCLUDE (last_contact_moment_at);

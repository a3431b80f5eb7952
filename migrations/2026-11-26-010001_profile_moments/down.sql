ALTER TABLE profile_activity
    DROP CONSTRAINT profile_activity_pkey,
    ADD PRIMARY KEY (organization_id, profile_id);

ALTER TABLE profile_fields ADD COLUMN "default" jsonb;
COMMENT ON COLUMN profile_fields."default" IS 'what a new profile has that says nothing of the field';

CREATE TABLE profile_missing_values (
    organization_id uuid NOT NULL,
    profile_id uuid NOT NULL,
    field_id uuid NOT NULL,
    PRIMARY KEY (organization_id, profile_id, field_id),
    FOREIGN KEY (organization_id, field_id) REFERENCES profile_fields (organization_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, profile_id) REFERENCES profiles (organization_id, id)
);
CREATE INDEX profile_missing_values_field_idx ON profile_missing_values (organization_id, field_id, profile_id);
COMMENT ON TABLE profile_missing_values IS 'the required fields that a profile has no value of: those profiles are found without looking at all others';

INSERT INTO profile_missing_values (organization_id, profile_id, field_id)
SELECT profiles.organization_id, profiles.id, profile_fields.id
FROM profile_fields
JOIN profiles USING (organization_id)
WHERE profile_fields.required AND profiles.deleted_at IS NULL AND NOT EXISTS (
    SELECT FROM profile_field_values
    WHERE profile_field_values.organization_id = profiles.organization_id
        AND profile_field_values.field_id = profile_fields.id
        AND profile_field_values.profile_id = profiles.id
);

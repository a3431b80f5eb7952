DROP TABLE profile_missing_values;
ALTER TABLE profile_fields DROP COLUMN "default";

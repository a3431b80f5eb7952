DROP TABLE profile_words;
DROP TABLE profile_terms;
DROP TABLE profile_field_terms;
DROP TABLE profile_field_values;
DROP TABLE profile_activity;
DROP TABLE profiles;
DROP TABLE profile_fields;
DROP EXTENSION IF EXISTS pg_trgm;

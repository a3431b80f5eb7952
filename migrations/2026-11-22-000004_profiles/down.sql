DROP TABLE profile_spellings;
DROP TABLE profile_words;
DROP TABLE profile_terms;
DROP TABLE profile_field_terms;
DROP TABLE profile_field_values;
DROP TABLE profile_activity;
DROP TABLE profiles;
DROP TABLE profile_fields;

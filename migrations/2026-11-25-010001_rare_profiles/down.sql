DROP STATISTICS profile_field_values_fields;
DROP INDEX profiles_kind_idx;

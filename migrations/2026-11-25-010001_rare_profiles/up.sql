CREATE INDEX profiles_kind_idx ON profiles (organization_id, kind, id) WHERE deleted_at IS NULL;
COMMENT ON INDEX profiles_kind_idx IS 'finds the profiles of a kind that hardly any has';

CREATE STATISTICS profile_field_values_fields (dependencies) ON organization_id, field_id FROM profile_field_values;
COMMENT ON STATISTICS profile_field_values_fields IS 'a field is of one organization: else few values are expected of it, and all are read';
ANALYZE profile_field_values;

CREATE INDEX profiles_kind_idx ON profiles (organization_id, kind, id) WHERE deleted_at IS NULL;
COMMENT ON INDEX profiles_kind_idx IS 'finds the profiles of a kind that hardly any has';

DROP INDEX profiles_kind_idx;

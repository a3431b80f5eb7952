//! Many rows of a table in one statement, which is prepared once for however many: an array for each column.
//!
//! Diesel's own `VALUES` lists are another statement for each number of rows, and never prepared.

/// A type of rows to be inserted, all of one organization: `push` adds one; then `insert` them, which says how many were,
/// or `load` what the last part of the statement returns.
macro_rules! rows {
    (
        $(#[$meta:meta])*
        $visibility:vis struct $name:ident into $table:literal {
            $($column:ident: $sql_type:ty = $rust_type:ty,)+
        }
        $then:literal
    ) => {
        $(#[$meta])*
        #[derive(Debug, diesel::query_builder::QueryId)]
        $visibility struct $name {
            organization: crate::ids::OrganizationId,
            count: usize,
            $($column: Vec<$rust_type>,)+
        }

        impl $name {
            $visibility fn of(organization: crate::ids::OrganizationId) -> Self {
                Self { organization, count: 0, $($column: Vec::new(),)+ }
            }

            #[allow(clippy::too_many_arguments)] // a row has the columns it has
            $visibility fn push(&mut self, $($column: $rust_type),+) {
                self.count += 1;
                $(self.$column.push($column);)+
            }

            #[allow(dead_code)] // what is returned is loaded
            $visibility fn insert(self, conn: &mut diesel::PgConnection) -> diesel::QueryResult<usize> {
                if self.count == 0 { Ok(0) } else { diesel::RunQueryDsl::execute(self, conn) }
            }
        }

        impl diesel::RunQueryDsl<diesel::PgConnection> for $name {}

        impl diesel::query_builder::QueryFragment<diesel::pg::Pg> for $name {
            fn walk_ast<'b>(
                &'b self,
                mut out: diesel::query_builder::AstPass<'_, 'b, diesel::pg::Pg>,
            ) -> diesel::QueryResult<()> {
                out.push_sql(concat!("INSERT INTO ", $table, " (organization_id"));
                $(out.push_sql(", "); out.push_identifier(stringify!($column).trim_end_matches('_'))?;)+
                out.push_sql(") SELECT ");
                out.push_bind_param::<diesel::sql_types::Uuid, _>(&self.organization)?;
                out.push_sql(", given.* FROM unnest(");
                let mut divider = "";
                $(
                    out.push_sql(divider);
                    out.push_bind_param::<diesel::sql_types::Array<$sql_type>, _>(&self.$column)?;
                    divider = ", ";
                )+
                let _ = divider;
                out.push_sql(concat!(") AS given ", $then));
                Ok(())
            }
        }
    };
}

pub(crate) use rows;

//! Customers drawn at random, the same in each run.

use diesel::prelude::*;
use diesel::sql_types::{Text, Uuid};

use crate::data::Data;

#[derive(Debug, Clone, QueryableByName)]
pub struct Customer {
    #[diesel(sql_type = Uuid)]
    pub id: uuid::Uuid,
    #[diesel(sql_type = Text)]
    pub name: String,
    #[diesel(sql_type = Text)]
    pub address: String,
    #[diesel(sql_type = Text)]
    pub number: String,
}

pub fn customers(data: &Data, seed: &str, count: usize) -> Vec<Customer> {
    let conn = &mut PgConnection::establish(&data.url).unwrap();
    let sql = "WITH drawn AS (SELECT organization_id, id, name FROM profiles WHERE organization_id = $1 \
        AND deleted_at IS NULL ORDER BY md5(id::text || $2) LIMIT $3) \
        SELECT drawn.id, drawn.name, ltrim((array_agg(address ORDER BY md5(address)))[1], '+') AS address, max(value) AS number FROM drawn \
        JOIN contacts ON contacts.organization_id = drawn.organization_id AND contacts.profile_id = drawn.id \
        JOIN profile_field_values AS held ON held.organization_id = drawn.organization_id \
        AND held.profile_id = drawn.id GROUP BY drawn.id, drawn.name ORDER BY md5(drawn.id::text || $2)";
    let count = i64::try_from(count).unwrap();
    diesel::sql_query(sql)
        .bind::<Uuid, _>(data.organization)
        .bind::<Text, _>(seed)
        .bind::<diesel::sql_types::BigInt, _>(count)
        .load(conn)
        .unwrap()
}

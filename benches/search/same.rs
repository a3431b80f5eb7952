//! Whether what was copied into the tables is what the service writes of the same customers.

use diesel::prelude::*;
use diesel::sql_types::{Text, Uuid};
use dossier::ids::OrganizationId;
use serde_json::json;

use crate::data::{self, Data};
use crate::sample;
use crate::service::Service;

/// All that searches and lists read of a profile, save ids and times.
const WRITTEN: &str = "SELECT json_build_object(\
    'profile', (SELECT json_build_array(name, sort_name, kind) FROM profiles \
        WHERE organization_id = $1 AND id = $2), \
    'terms', (SELECT json_agg(json_build_array(position, term, words) ORDER BY position) FROM profile_terms \
        WHERE organization_id = $1 AND profile_id = $2), \
    'spellings', (SELECT json_agg(json_build_array(term, spelling) ORDER BY term, spelling) \
        FROM (SELECT DISTINCT term FROM profile_terms WHERE organization_id = $1 AND profile_id = $2) AS words \
        JOIN profile_spellings USING (term) WHERE organization_id = $1), \
    'values', (SELECT json_agg(json_build_array(sort_value, value, unique_key)) FROM profile_field_values \
        WHERE organization_id = $1 AND profile_id = $2), \
    'value terms', (SELECT json_agg(term ORDER BY term) FROM profile_field_terms \
        WHERE organization_id = $1 AND profile_id = $2), \
    'contacts', (SELECT json_agg(json_build_array(medium, scope, address, name, sort_name, (SELECT \
        json_agg(json_build_array(position, term, contact_terms.profile_id = $2) ORDER BY position) FROM contact_terms \
        WHERE organization_id = $1 AND contact_id = contacts.id)) ORDER BY medium, address) FROM contacts \
        WHERE organization_id = $1 AND profile_id = $2))::text AS written";

#[derive(QueryableByName)]
struct Written {
    #[diesel(sql_type = Text)]
    written: String,
}

#[derive(QueryableByName)]
struct Contact {
    #[diesel(sql_type = Text)]
    contacts: String,
}

pub async fn print(data: &Data, count: usize) {
    let conn = &mut PgConnection::establish(&data.url).unwrap();
    let other = data::another_organization(data).await;
    let service = Service::start(&other, false).await;
    let customers = sample::customers(data, "same", count);
    let mut differing = Vec::new();
    for customer in &customers {
        let sql = "SELECT json_agg(json_build_object('medium', medium, 'address', address, 'name', name))::text \
            AS contacts FROM contacts WHERE organization_id = $1 AND profile_id = $2";
        let of_customer = || diesel::sql_query(sql).bind::<Uuid, _>(data.organization).bind::<Uuid, _>(customer.id);
        let Contact { contacts } = of_customer().get_result(conn).unwrap();
        let copied = written(conn, data.organization, customer.id);
        let kind = if copied.contains("\"company\"]") { "company" } else { "person" };
        let contacts: serde_json::Value = serde_json::from_str(&contacts).unwrap();
        let body = json!({ "name": customer.name, "kind": kind, "contacts": contacts,
            "fields": { "relation_number": customer.number } });
        let (made, _) = service.post("/v1/profiles", &body).await;
        let made = written(conn, other.organization, made["id"].as_str().unwrap().parse().unwrap());
        if made != copied {
            differing.push(format!("{copied}\n{made}"));
        }
    }
    service.stop();
    println!("\nof {} customers, {} were copied as the service writes them", count, count - differing.len());
    differing.iter().take(3).for_each(|both| println!("{both}"));
}

fn written(conn: &mut PgConnection, organization: OrganizationId, profile: uuid::Uuid) -> String {
    let query = diesel::sql_query(WRITTEN).bind::<Uuid, _>(organization).bind::<Uuid, _>(profile);
    query.get_result::<Written>(conn).unwrap().written
}

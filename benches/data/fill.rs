//! Filling a database by COPY, its secondary indexes made afterwards.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use dossier::access::{self, CreateUser};
use dossier::actor::{ActorRef, ActorType, Role};
use dossier::channels::Medium;
use dossier::contacts;
use dossier::db::Db;
use dossier::db::schema::{
    contact_terms, contacts as contact_rows, profile_activity, profile_field_terms, profile_field_values,
    profile_spellings, profile_terms, profile_words, profiles,
};
use dossier::db::types::TimeOrNever;
use dossier::ids::{ContactId, OrganizationId, ProfileId, UserId};
use dossier::profile_fields::{self, ProfileField};
use dossier::profiles::{self as profile_room, ProfileKind};
use dossier::text;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use uuid::Builder;

use super::ADMIN;
use super::names::Names;

const BATCH: usize = 20_000;
const SMALL: usize = 100;
/// Since when there are customers.
pub const EPOCH: i64 = 1_640_995_200_000;

#[derive(Debug, Clone, Copy)]
pub struct Scale {
    /// Of the large organization; it has twice as many contacts.
    pub profiles: usize,
}

pub fn fill(db: &Db, url: &str, names: &Names, scale: Scale) {
    let conn = &mut PgConnection::establish(url).unwrap();
    let admin = |place| if place == 0 { ADMIN.to_owned() } else { format!("admin@small-{place}.example") };
    let organizations: Vec<_> = (0..=SMALL).map(|place| crate::block_on(organization(db, admin(place)))).collect();
    // Foreign keys hold by construction.
    conn.batch_execute("SET session_replication_role = replica; SET synchronous_commit = off").unwrap();
    let indexes = drop_indexes(conn, "^(profile|contact)");
    for (place, (id, admin, field)) in organizations.into_iter().enumerate() {
        let of = Filling { id, admin, field, known: HashSet::new(), rng: StdRng::seed_from_u64(place as u64) };
        of.fill(conn, names, if place == 0 { scale.profiles } else { (scale.profiles / 1000).max(10) });
    }
    for index in indexes {
        conn.batch_execute(&index).unwrap();
    }
    conn.batch_execute("VACUUM (ANALYZE)").unwrap();
}

/// An organization with an administrator and a relation number, made as the service makes them.
pub async fn organization(db: &Db, email: String) -> (OrganizationId, UserId, ProfileField) {
    let password = "a password of the benchmark".to_owned();
    let admin = CreateUser { email: email.clone(), name: email.clone(), role: Role::Admin, password };
    let number = json!({ "key": "relation_number", "label": "Relation number", "type": "text", "unique": true,
        "searchable": true });
    let (id, user) = access::create_organization(db, email, admin).await.unwrap();
    let body = serde_json::from_value(number).unwrap();
    let field = db.act(id, ActorRef::user(user), move |tx| profile_fields::create_field(tx, &body)).await.unwrap();
    (id, user, field)
}

struct Filling {
    id: OrganizationId,
    admin: UserId,
    field: ProfileField,
    /// Words that were written.
    known: HashSet<String>,
    rng: StdRng,
}

macro_rules! copy {
    ($conn:expr, $table:expr, $rows:expr) => {
        diesel::copy_from($table).from_insertable($rows).execute($conn).unwrap()
    };
}
#[allow(unused_imports, reason = "one benchmark of two writes rows of its own")]
pub(crate) use copy;

impl Filling {
    fn fill(mut self, conn: &mut PgConnection, names: &Names, count: usize) {
        let mut first = 0;
        while first < count {
            let last = (first + BATCH).min(count);
            conn.transaction(|conn| {
                self.batch(conn, names, first..last);
                diesel::QueryResult::Ok(())
            })
            .unwrap();
            if last / 200_000 > first / 200_000 {
                println!("  {last} of {count} profiles");
            }
            first = last;
        }
    }

    fn batch(&mut self, conn: &mut PgConnection, names: &Names, numbers: std::ops::Range<usize>) {
        let organization = self.id;
        let (mut rows, mut activity, mut terms, mut values, mut value_terms) = (vec![], vec![], vec![], vec![], vec![]);
        let (mut words, mut spellings, mut addresses, mut address_terms) = (vec![], vec![], vec![], vec![]);
        for number in numbers {
            let (name, is_company) = names.draw(&mut self.rng);
            let (id, at) = self.id_and_time(number);
            let profile = ProfileId(id);
            let relation = Value::String(format!("R-{:07}", number * 7));
            let kept = json!({ self.field.id.to_string(): relation });
            let moment = self.rng.random_bool(0.7).then(|| at + TimeDelta::minutes(self.rng.random_range(0..400_000)));
            rows.push((
                profiles::organization_id.eq(organization),
                profiles::id.eq(profile),
                profiles::name.eq(name.clone()),
                profiles::sort_name.eq(text::sort_key(&name)),
                profiles::kind.eq(if is_company { ProfileKind::Company } else { ProfileKind::Person }),
                profiles::fields.eq(kept),
                profiles::created_by_type.eq(ActorType::User),
                profiles::created_by_id.eq(self.admin.0),
                profiles::created_at.eq(at),
                profiles::updated_at.eq(at),
            ));
            activity.push((
                profile_activity::organization_id.eq(organization),
                profile_activity::profile_id.eq(profile),
                profile_activity::last_contact_moment_at.eq(TimeOrNever(moment)),
            ));
            let of_name = profile_room::name_terms(&name);
            let joined = profile_room::joined(&of_name);
            for (term, position) in of_name.into_iter().zip(0_i16..) {
                if self.known.insert(term.clone()) {
                    words.push((profile_words::organization_id.eq(organization), profile_words::term.eq(term.clone())));
                    spellings.extend(profile_room::spellings(&term).into_iter().map(|spelling| {
                        (
                            profile_spellings::organization_id.eq(organization),
                            profile_spellings::spelling.eq(spelling),
                            profile_spellings::term.eq(term.clone()),
                        )
                    }));
                }
                terms.push((
                    profile_terms::organization_id.eq(organization),
                    profile_terms::profile_id.eq(profile),
                    profile_terms::position.eq(position),
                    profile_terms::term.eq(term),
                    profile_terms::words.eq(joined.clone()),
                ));
            }
            for value in profile_fields::indexed(&self.field, &relation) {
                value_terms.extend(profile_fields::terms(&self.field, &value.value).into_iter().map(|term| {
                    (
                        profile_field_terms::organization_id.eq(organization),
                        profile_field_terms::profile_id.eq(profile),
                        profile_field_terms::field_id.eq(self.field.id),
                        profile_field_terms::term.eq(term),
                    )
                }));
                values.push((
                    profile_field_values::organization_id.eq(organization),
                    profile_field_values::field_id.eq(self.field.id),
                    profile_field_values::profile_id.eq(profile),
                    profile_field_values::sort_value.eq(value.sort_value),
                    profile_field_values::unique_key.eq(Some(value.value.clone())),
                    profile_field_values::value.eq(value.value),
                ));
            }
            for (medium, address, contact_name) in self.addresses(&name, number) {
                let contact = ContactId(self.id_and_time(number).0);
                let of_contact = contacts::address_terms(medium, &address, contact_name.as_deref());
                address_terms.extend(of_contact.into_iter().zip(0_i16..).map(|(term, position)| {
                    (
                        contact_terms::organization_id.eq(organization),
                        contact_terms::contact_id.eq(contact),
                        contact_terms::position.eq(position),
                        contact_terms::term.eq(term),
                        contact_terms::profile_id.eq(profile),
                    )
                }));
                addresses.push((
                    contact_rows::organization_id.eq(organization),
                    contact_rows::id.eq(contact),
                    contact_rows::medium.eq(medium),
                    contact_rows::sort_name.eq(text::sort_key(contact_name.as_deref().unwrap_or(&address))),
                    contact_rows::address.eq(address),
                    contact_rows::name.eq(contact_name),
                    contact_rows::profile_id.eq(profile),
                    contact_rows::version.eq(2),
                    contact_rows::created_at.eq(at),
                    contact_rows::updated_at.eq(at),
                ));
            }
        }
        copy!(conn, profiles::table, rows);
        copy!(conn, profile_activity::table, activity);
        copy!(conn, profile_terms::table, terms);
        copy!(conn, profile_words::table, words);
        copy!(conn, profile_spellings::table, spellings);
        copy!(conn, profile_field_values::table, values);
        copy!(conn, profile_field_terms::table, value_terms);
        copy!(conn, contact_rows::table, addresses);
        copy!(conn, contact_terms::table, address_terms);
    }

    /// Ids as the service makes them, in the order in which the customers came.
    fn id_and_time(&mut self, number: usize) -> (uuid::Uuid, DateTime<Utc>) {
        let millis = EPOCH + number as i64 * 100_000;
        let id = Builder::from_unix_timestamp_millis(millis as u64, &self.rng.random()).into_uuid();
        (id, DateTime::from_timestamp_millis(millis).unwrap())
    }

    /// An e-mail address, with the name that mails bear, and a telephone number, which comes without one.
    fn addresses(&mut self, name: &str, number: usize) -> [(Medium, String, Option<String>); 2] {
        let words: Vec<String> = text::words(name).into_iter().filter(|word| word.is_ascii()).take(3).collect();
        let host = ["gmail.com", "outlook.com", "ziggo.example", "web.example", "mail.example", "kpn.example"];
        let host = host[self.rng.random_range(0..host.len())];
        let mail = format!("{}{}{number}@{host}", words.join("."), if words.is_empty() { "" } else { "." });
        let named = self.rng.random_bool(0.7).then(|| name.to_owned());
        let phone = format!("+316{:08}", (number as u64 * 61 + self.admin.0.as_u128() as u64 % 97) % 100_000_000);
        [(Medium::Email, mail, named), (Medium::Whatsapp, phone, None)]
    }
}

/// Drops, of the tables of such names, what can be made faster over the whole, and says how.
pub fn drop_indexes(conn: &mut PgConnection, tables: &str) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Index {
        #[diesel(sql_type = Text)]
        name: String,
        #[diesel(sql_type = Text)]
        definition: String,
    }
    let sql = "SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition FROM pg_index \
        WHERE indrelid::regclass::text ~ $1 \
        AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)";
    let indexes: Vec<Index> = diesel::sql_query(sql).bind::<Text, _>(tables).load(conn).unwrap();
    for index in &indexes {
        conn.batch_execute(&format!("DROP INDEX {}", index.name)).unwrap();
    }
    indexes.into_iter().map(|index| index.definition).collect()
}

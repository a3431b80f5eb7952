//! A seeded data set in a PostgreSQL of its own, made once and kept: one large organization among a hundred small ones.
//!
//! It holds what the service would have written for these customers, save the events; the same functions make the
//! terms, and [`fill`] is the only place that names their tables.

pub mod fill;
mod names;

use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use dossier::db::Db;
use dossier::db::embedded::EmbeddedPostgres;
use dossier::ids::OrganizationId;

pub use fill::Scale;

/// Written to a database that is complete. Another number makes all of them anew.
const EDITION: &str = "1";
pub const ADMIN: &str = "admin@large.example";

/// The server that the data sets are kept in.
pub struct Cluster {
    postgres: EmbeddedPostgres,
}

impl Cluster {
    /// In `BENCH_DIR`, else beside what is built.
    pub fn start() -> Self {
        let settings = [
            ("shared_buffers", "1GB"),
            ("max_wal_size", "4GB"),
            ("maintenance_work_mem", "512MB"),
            ("checkpoint_timeout", "30min"),
        ];
        let postgres = EmbeddedPostgres::start(&folder(), &settings).unwrap_or_else(|error| panic!("{error}"));
        Self { postgres }
    }

    /// The customers of this scale, made when they are not there; and where to connect.
    pub fn data(&self, scale: Scale) -> Data {
        self.made(&format!("dossier_{}_{EDITION}", scale.profiles), |db, url| fill::fill(db, url, &names(), scale))
    }

    /// The database of this name, filled when it is not there.
    pub fn made(&self, name: &str, fill: impl FnOnce(&Db, &str)) -> Data {
        let url = self.url(name);
        if !self.is_complete(name) {
            let started = std::time::Instant::now();
            let main = &mut PgConnection::establish(self.postgres.url()).unwrap();
            main.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).unwrap();
            main.batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
            let db = Db::connect(&url, 2).unwrap();
            db.migrate().unwrap();
            fill(&db, &url);
            main.batch_execute(&format!("COMMENT ON DATABASE {name} IS 'complete'; CHECKPOINT")).unwrap();
            println!("{name} made in {:.0?}", started.elapsed());
        }
        let conn = &mut PgConnection::establish(&url).unwrap();
        use dossier::db::schema::users;
        let organization =
            users::table.filter(users::email.eq(ADMIN)).select(users::organization_id).first(conn).unwrap();
        Data { url, organization, admin: ADMIN.to_owned() }
    }

    fn url(&self, database: &str) -> String {
        let (server, _) = self.postgres.url().rsplit_once('/').unwrap();
        format!("{server}/{database}")
    }

    fn is_complete(&self, name: &str) -> bool {
        #[derive(QueryableByName)]
        struct Comment {
            #[diesel(sql_type = Text)]
            comment: String,
        }
        let sql =
            "SELECT coalesce(shobj_description(oid, 'pg_database'), '') AS comment FROM pg_database WHERE datname = $1";
        let conn = &mut PgConnection::establish(self.postgres.url()).unwrap();
        let found: Vec<Comment> = diesel::sql_query(sql).bind::<Text, _>(name).load(conn).unwrap();
        found.iter().any(|found| found.comment == "complete")
    }

    /// What the server logged.
    pub fn log(&self) -> String {
        let log = std::fs::read(folder().join("postgres/postgres.log")).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    pub fn stop(self) {
        self.postgres.stop();
    }
}

/// From the folder `NAMES` when it is set.
pub fn names() -> names::Names {
    names::Names::load(std::env::var_os("NAMES").map(PathBuf::from).as_deref())
}

pub fn folder() -> PathBuf {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench");
    std::env::var_os("BENCH_DIR").map_or(beside, PathBuf::from)
}

/// A data set.
#[derive(Clone)]
pub struct Data {
    pub url: String,
    /// The large one.
    pub organization: OrganizationId,
    /// The e-mail address of its administrator.
    pub admin: String,
}

/// An empty organization beside those of a data set.
pub async fn another_organization(data: &Data) -> Data {
    let db = Db::connect(&data.url, 1).unwrap();
    let admin = format!("admin@{}.example", uuid::Uuid::now_v7());
    let (organization, ..) = fill::organization(&db, admin.clone()).await;
    Data { url: data.url.clone(), organization, admin }
}

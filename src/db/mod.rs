//! The way to the database: [`Db::read`] and [`Db::write`], one permit, one blocking thread, one transaction each.
//!
//! Borrowed by every room; knows none.

pub mod advisory;
pub mod embedded;
pub mod event_texts;
pub mod events;
pub mod gone_notes;
pub mod idempotency;
pub mod keyset;
mod memory;
pub mod moved;
pub mod newest;
pub mod rows;
#[rustfmt::skip]
pub mod schema;
pub mod search_vector;
mod stale;
pub mod standing;
pub mod streams;
pub mod subject;
pub mod timeline;
pub mod types;
mod violation;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SubsecRound, Utc};
use diesel::connection::SimpleConnection;
pub use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, CustomizeConnection, Pool};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::actor::{ActorRef, Caller};
use crate::answer::{Answer, Retry};
use crate::error::{Code, Error, Result, despite};
use crate::ids::OrganizationId;
use memory::Memory;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!();

/// Connections of a service, and so transactions at a time. PostgreSQL on a few cores answers fastest with few.
pub const CONNECTIONS: u32 = 16;
/// How long a request waits for its turn before it is told to come back.
const TURN_TIMEOUT: Duration = Duration::from_secs(5);
/// A transaction that met a deadlock or a serialization failure is run again, up to this many times in all.
const ATTEMPTS: u32 = 4;

/// A transaction of one organization.
pub struct Tx<'c> {
    pub conn: &'c mut PgConnection,
    pub organization: OrganizationId,
    pub actor: ActorRef,
    pub request_id: Option<Uuid>,
    /// The one time of everything that this transaction writes.
    pub now: DateTime<Utc>,
    memory: &'c mut Memory,
    /// Whether it runs again, since what others did at the same time was in its way.
    pub again: bool,
}

/// The database, as handlers have it.
#[derive(Clone)]
pub struct Db {
    pool: Pool<ConnectionManager<PgConnection>>,
    permits: Arc<Semaphore>,
}

impl Db {
    /// Connects, with at most so many connections, or says in one line why not.
    pub fn connect(url: &str, connections: u32) -> Result<Self, String> {
        let unreachable = |reason: String| {
            let reason: Vec<&str> = reason.split_whitespace().collect();
            format!("PostgreSQL can't be reached: {}. Check DATABASE_URL, and that the server runs.", reason.join(" "))
        };
        // The pool would try for a while, and log each time.
        PgConnection::establish(url).map_err(|error| unreachable(error.to_string()))?;
        let pool = Pool::builder()
            .max_size(connections)
            .min_idle(Some(1))
            .connection_timeout(TURN_TIMEOUT)
            .connection_customizer(Box::new(Settings))
            .error_handler(Box::new(LogErrors))
            .build(ConnectionManager::new(url))
            .map_err(|error| unreachable(error.to_string()))?;
        Ok(Self { pool, permits: Arc::new(Semaphore::new(connections as usize)) })
    }

    /// Applies the migrations that are missing. Processes that start together wait for each other.
    pub fn migrate(&self) -> Result<Vec<String>> {
        let mut conn = self.pool.get().map_err(|error| Error::unavailable(5, error))?;
        let lock = "SELECT pg_advisory_lock(hashtext('dossier migrations'))";
        conn.batch_execute(&format!("SET lock_timeout = 0; SET statement_timeout = 0; {lock}"))?;
        let applied = conn
            .run_pending_migrations(MIGRATIONS)
            .map(|versions| versions.iter().map(ToString::to_string).collect())
            .map_err(Error::internal);
        conn.batch_execute("SELECT pg_advisory_unlock(hashtext('dossier migrations'))")?;
        Settings::apply(&mut conn)?;
        applied
    }

    /// Runs `work` for `caller` on one consistent snapshot.
    pub async fn read<T, F>(&self, caller: &Caller, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx) -> Result<T> + Send + 'static,
    {
        if !caller.scope.read {
            return Err(scope_required("read"));
        }
        let caller = caller.clone();
        self.run(move |conn| {
            conn.build_transaction().read_only().repeatable_read().run(|conn| {
                let actor = standing::check(conn, &caller)?;
                let mut memory = Memory::default();
                work(&mut Tx::new(conn, caller.organization, actor, caller.request_id, &mut memory))
            })
        })
        .await
    }

    /// Runs `work` for `caller`, once for each idempotency key: the key, the work, its events and its answer are
    /// committed together, or none of them.
    pub async fn write<F>(&self, caller: &Caller, retry: Retry, work: F) -> Result<Answer>
    where
        F: Fn(&mut Tx) -> Result<Answer> + Send + 'static,
    {
        if !caller.scope.write {
            return Err(scope_required("write"));
        }
        let caller = caller.clone();
        self.run(move |conn| {
            repeat(conn, |conn, again| {
                let actor = standing::check(conn, &caller)?;
                let mut memory = Memory::default();
                let mut tx = Tx::new(conn, caller.organization, actor, caller.request_id, &mut memory);
                tx.again = again;
                if !retry.faults.is_empty() {
                    return despite(retry.faults.clone(), work(&mut tx));
                }
                let Some(key) = retry.key.as_deref() else {
                    return work(&mut tx);
                };
                let caller_id = actor.id.unwrap_or(caller.user.0);
                match idempotency::claim(&mut tx, caller_id, key, &retry) {
                    Ok(Some(answer)) => return Ok(answer),
                    Ok(None) => {}
                    // Who was led elsewhere before took the key along, and begins anew from here.
                    Err(refused) if refused.code() == Code::IdempotencyKeyReused => {
                        return redirect(&mut tx, &work).ok_or(refused);
                    }
                    Err(error) => return Err(error),
                }
                let answer = work(&mut tx)?;
                match answer.is_done() {
                    true => idempotency::keep(&mut tx, caller_id, key, &answer)?,
                    // Who is led elsewhere takes the key along.
                    false => idempotency::release(&mut tx, caller_id, key)?,
                }
                Ok(answer)
            })
        })
        .await
    }

    /// Whether `caller` may write, for what is done before the transaction: storing a file that comes in.
    pub async fn admit_writer(&self, caller: &Caller) -> Result<()> {
        if !caller.scope.write {
            return Err(scope_required("write"));
        }
        self.read(caller, |_| Ok(())).await
    }

    /// Runs `work` for an actor that came without a token: the command line, a channel, the service itself.
    pub async fn act<T, F>(&self, organization: OrganizationId, actor: ActorRef, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut Tx) -> Result<T> + Send + 'static,
    {
        self.run(move |conn| {
            repeat(conn, |conn, again| {
                let mut memory = Memory::default();
                let mut tx = Tx::new(conn, organization, actor, None, &mut memory);
                tx.again = again;
                work(&mut tx)
            })
        })
        .await
    }

    /// Runs `work` in a transaction of no organization: what comes before there is a caller.
    pub async fn transact<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut PgConnection) -> Result<T> + Send + 'static,
    {
        self.run(move |conn| repeat(conn, |conn, _| work(conn))).await
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<()> {
        self.run(|conn| Ok(conn.batch_execute("SELECT 1")?)).await
    }

    async fn run<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut PgConnection) -> Result<T> + Send + 'static,
    {
        let permit = tokio::time::timeout(TURN_TIMEOUT, self.permits.clone().acquire_owned())
            .await
            .map_err(|_| Error::unavailable(2, "every database connection is in use"))?
            .map_err(Error::internal)?;
        let pool = self.pool.clone();
        let span = tracing::Span::current();
        tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let _entered = span.enter();
            let mut conn = pool.get().map_err(|error| Error::unavailable(2, error))?;
            work(&mut conn)
        })
        .await
        .map_err(Error::internal)?
    }
}

impl<'c> Tx<'c> {
    fn new(
        conn: &'c mut PgConnection,
        organization: OrganizationId,
        actor: ActorRef,
        request_id: Option<Uuid>,
        memory: &'c mut Memory,
    ) -> Self {
        // PostgreSQL keeps microseconds: what is answered is what is read later.
        Self { conn, organization, actor, request_id, now: Utc::now().trunc_subsecs(6), memory, again: false }
    }

    /// Runs `work` under a savepoint: when it fails, what it did is undone and its locks are released.
    pub fn savepoint<T>(&mut self, work: impl FnOnce(&mut Tx) -> Result<T>) -> Result<T> {
        match self.attempt(|tx| work(tx).map(Some))? {
            Some(done) => Ok(done),
            None => Err(Error::internal("a savepoint was undone for no reason")),
        }
    }

    /// As [`Tx::savepoint`]; undone too when `work` gives nothing.
    pub fn attempt<T>(&mut self, work: impl FnOnce(&mut Tx) -> Result<Option<T>>) -> Result<Option<T>> {
        let (organization, actor, request_id) = (self.organization, self.actor, self.request_id);
        let (now, again) = (self.now, self.again);
        let (happened, memory) = (self.memory.happened, &mut *self.memory);
        let done = self.conn.transaction(|conn| {
            work(&mut Tx { conn, organization, actor, request_id, now, memory: &mut *memory, again })?
                .ok_or(Undone(None))
        });
        if done.is_err() {
            self.memory.forget_since(happened);
        }
        match done {
            Ok(value) => Ok(Some(value)),
            Err(Undone(None)) => Ok(None),
            Err(Undone(Some(error))) => Err(error),
        }
    }
}

/// Where `work` leads, of which nothing is done.
fn redirect(tx: &mut Tx, work: impl Fn(&mut Tx) -> Result<Answer>) -> Option<Answer> {
    let mut redirect = None;
    let undone = tx.attempt(|tx| {
        redirect = Some(work(tx)?).filter(|answer| !answer.is_done());
        Ok(None::<()>)
    });
    redirect.filter(|_| undone.is_ok())
}

/// Why a savepoint was rolled back: a failure, or without one by choice.
struct Undone(Option<Error>);

impl<E: Into<Error>> From<E> for Undone {
    fn from(error: E) -> Self {
        Self(Some(error.into()))
    }
}

/// One transaction, run again where the database asks for it.
fn repeat<T>(conn: &mut PgConnection, work: impl Fn(&mut PgConnection, bool) -> Result<T>) -> Result<T> {
    let mut attempt = 1;
    loop {
        match conn.transaction(|conn| work(conn, attempt > 1)) {
            Err(error) if error.is_transient() && attempt < ATTEMPTS => {
                tracing::info!(attempt, %error, "transaction runs again");
                attempt += 1;
            }
            result => return result,
        }
    }
}

fn scope_required(scope: &str) -> Error {
    Error::new(Code::ScopeRequired, format!("The token's scope lacks \"{scope}\"."))
}

#[derive(Debug)]
struct Settings;

impl Settings {
    fn apply(conn: &mut PgConnection) -> QueryResult<()> {
        conn.batch_execute(
            // Compiling a plan takes longer than any statement here may.
            "SET jit = off; SET statement_timeout = '20s'; SET lock_timeout = '10s'; \
             SET idle_in_transaction_session_timeout = '60s'; SET timezone = 'UTC'; SET lc_messages = 'C'; \
             SET application_name = 'dossier'",
        )
    }
}

impl CustomizeConnection<PgConnection, diesel::r2d2::Error> for Settings {
    fn on_acquire(&self, conn: &mut PgConnection) -> Result<(), diesel::r2d2::Error> {
        Self::apply(conn).map_err(diesel::r2d2::Error::QueryError)
    }
}

#[derive(Debug)]
struct LogErrors;

impl<E: std::error::Error> diesel::r2d2::HandleError<E> for LogErrors {
    fn handle_error(&self, error: E) {
        tracing::warn!(%error, "database connection");
    }
}

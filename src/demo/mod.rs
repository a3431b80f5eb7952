//! The sample of a first start: the inbox of a small maker of lamps, so that whoever opens the page sees something.
//!
//! It is made through the same verbs as everything else, in one transaction with its organization.

mod story;

use bytes::Bytes;
use rand::Rng;

use crate::access::{self, CreateUser};
use crate::actor::{ActorRef, Role};
use crate::attachments::{Blob, Store};
use crate::db::Db;
use crate::error::Result;
use crate::ids::OrganizationId;

const NAME: &str = "Demo";
const ADMIN: &str = "admin@demo.example";
const COLLEAGUE: &str = "noor@demo.example";

/// How to log in to what was made.
pub struct Login {
    pub email: &'static str,
    pub password: String,
}

/// Makes the organization "Demo" with an administrator, and with the sample if that is wanted; nothing where there is
/// an organization already.
pub async fn create(db: &Db, store: &Store, with_sample: bool) -> Result<Option<Login>> {
    if db.transact(access::has_organization).await? {
        return Ok(None);
    }
    let organization = OrganizationId::new();
    let login = Login { email: ADMIN, password: password() };
    let admin = user(ADMIN, "Robin Bakker", Role::Admin, login.password.clone());
    let admin_hash = access::hash_password(admin.password.clone()).await?;
    let colleague = user(COLLEAGUE, "Noor de Wit", Role::Agent, password());
    let colleague_hash = access::hash_password(colleague.password.clone()).await?;
    // There is no organization yet whose rows could tell of them beforehand.
    let files = Files {
        cracked_shade: store.put(organization, Bytes::from_static(include_bytes!("files/cracked-shade.png"))).await?,
        invoice: store.put(organization, Bytes::from_static(include_bytes!("files/invoice-2026-0815.pdf"))).await?,
    };
    db.act(organization, ActorRef::SYSTEM, move |tx| {
        access::insert_organization(tx, NAME)?;
        let admin = access::insert_user(tx, &admin, &admin_hash)?.id;
        if with_sample {
            let colleague = access::insert_user(tx, &colleague, &colleague_hash)?.id;
            story::tell(tx, admin, colleague, &files)?;
        }
        Ok(())
    })
    .await?;
    Ok(Some(login))
}

/// What was sent back and forth.
struct Files {
    cracked_shade: Blob,
    invoice: Blob,
}

fn user(email: &str, name: &str, role: Role, password: String) -> CreateUser {
    CreateUser { email: email.to_owned(), name: name.to_owned(), role, password }
}

/// Sixteen letters that can't be mistaken for each other.
fn password() -> String {
    const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz23456789-";
    let mut bytes = [0; 16];
    rand::rng().fill_bytes(&mut bytes);
    bytes.iter().filter_map(|byte| LETTERS.get(usize::from(byte % 32))).map(|letter| char::from(*letter)).collect()
}

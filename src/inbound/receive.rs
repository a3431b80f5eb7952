//! A message comes in.

use bytes::Bytes;

use super::types::Received;
use crate::actor::ActorRef;
use crate::attachments::{self, File, Store};
use crate::channels;
use crate::conversations::{NewMessage, record_message};
use crate::db::{Db, Tx};
use crate::error::Result;
use crate::ids::OrganizationId;

/// A message as an adapter read it: its files aren't in the store yet.
pub struct Incoming {
    pub message: NewMessage,
    /// The mail as it came in.
    pub raw: Option<Bytes>,
    pub files: Vec<IncomingFile>,
}

pub struct IncomingFile {
    pub filename: String,
    pub content_type: Option<String>,
    pub content_id: Option<String>,
    /// Where an image is embedded in the mail's text.
    pub inline: bool,
    pub content: Bytes,
}

/// Writes what came with a message to the store.
pub async fn keep(db: &Db, store: &Store, organization: OrganizationId, incoming: Incoming) -> Result<NewMessage> {
    let Incoming { mut message, raw, files } = incoming;
    let contents = raw.iter().chain(files.iter().map(|file| &file.content)).cloned().collect();
    let mut blobs = attachments::store_bytes(db, store, organization, contents).await?.into_iter();
    if raw.is_some() {
        message.raw = blobs.next();
    }
    let files = files.into_iter().zip(blobs).map(|(file, blob)| {
        let IncomingFile { filename, content_type, content_id, inline, .. } = file;
        File { filename, content_type, content_id, inline: inline && blob.is_picture(), blob }
    });
    message.files = files.collect();
    Ok(message)
}

/// Records a message that came in, once. Also says how many conversations it joined with its own.
pub fn receive(tx: &mut Tx, message: &NewMessage) -> Result<(Received, usize)> {
    channels::open_channel(tx.conn, tx.organization, message.channel)?;
    // Whoever delivers it: what a message does is its channel's doing.
    tx.actor = ActorRef::channel(message.channel);
    let recorded = record_message(tx, message)?;
    let received = Received {
        message_id: recorded.message,
        conversation_id: recorded.conversation,
        contact_id: recorded.contact,
        contact_created: recorded.contact_created,
        conversation_created: recorded.conversation_created,
        is_new: recorded.is_new,
    };
    Ok((received, recorded.merged))
}

//! `dossier import`: mails from files, through the same code as those that come in.

use std::cell::Cell;
use std::fmt::Write as _;
use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::mailbox::{self, SourceMail};
use super::types::Received;
use super::{mail, receive};
use crate::actor::ActorRef;
use crate::attachments::Store;
use crate::channels::{self, Medium};
use crate::db::Db;
use crate::ids::{ChannelId, OrganizationId};

/// Mails on their way at a time.
const AT_A_TIME: usize = 8;

/// Imports the mails under these paths into the e-mail channel of this name, and prints what became of them. Ends
/// with an error when any failed, or after Ctrl-C.
pub async fn import(
    db: Db,
    store: Store,
    channel: String,
    paths: Vec<PathBuf>,
    max_message_bytes: usize,
) -> Result<(), String> {
    let (organization, channel) = find_channel(&db, channel).await?;
    let max_bytes = u64::try_from(max_message_bytes).map_err(|error| error.to_string())?;
    let to_measure = paths.clone();
    let total = spawn_blocking(move || mailbox::total_bytes(&to_measure)).await.map_err(|error| error.to_string())?;
    let progress = ProgressBar::new(total).with_style(
        ProgressStyle::with_template("{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left {msg}")
            .map_err(|error| error.to_string())?,
    );

    let interrupted = Cell::new(false);
    let interruption = async {
        if tokio::signal::ctrl_c().await.is_ok() {
            interrupted.set(true);
        } else {
            std::future::pending::<()>().await;
        }
    };
    let mails = stream::unfold(reader(paths, max_bytes), async |mut mails| Some((mails.recv().await?, mails)));
    let outcomes = mails
        .take_until(Box::pin(interruption))
        .map(|mail| async {
            let consumed = mail.consumed;
            let name = mail.name.clone();
            (name, consumed, deliver(&db, &store, organization, channel, mail).await)
        })
        .buffer_unordered(AT_A_TIME);
    let mut outcomes = std::pin::pin!(outcomes);
    let mut summary = Summary::default();
    while let Some((name, consumed, outcome)) = outcomes.next().await {
        progress.inc(consumed);
        summary.add(name, outcome);
    }
    progress.finish_and_clear();
    summary.print().map_err(|error| error.to_string())?;
    if interrupted.get() {
        return Err("interrupted; run it again to go on: what is there isn't imported twice".to_owned());
    }
    match summary.failed.len() {
        0 => Ok(()),
        1 => Err("1 mail was not imported".to_owned()),
        failed => Err(format!("{failed} mails were not imported")),
    }
}

async fn find_channel(db: &Db, name: String) -> Result<(OrganizationId, ChannelId), String> {
    let wanted = name.clone();
    let found = db.transact(move |conn| channels::channel_named(conn, &wanted)).await;
    match found.map_err(|error| error.to_string())?.as_slice() {
        [(organization, channel, Medium::Email)] => Ok((*organization, *channel)),
        [(_, _, medium)] => Err(format!("the channel \"{name}\" is one of {medium}: name an e-mail channel")),
        [] => Err(format!("no channel is called \"{name}\": create it first (POST /v1/channels, medium email)")),
        several => Err(format!(
            "{} channels are called \"{name}\": rename all but one for the import (PATCH /v1/channels/{{id}})",
            several.len()
        )),
    }
}

/// The mails, read ahead by a thread of its own.
fn reader(paths: Vec<PathBuf>, max_bytes: u64) -> mpsc::Receiver<SourceMail> {
    let (sender, receiver) = mpsc::channel(AT_A_TIME);
    spawn_blocking(move || {
        for mail in mailbox::mails(&paths, max_bytes) {
            if sender.blocking_send(mail).is_err() {
                break;
            }
        }
    });
    receiver
}

async fn deliver(
    db: &Db,
    store: &Store,
    organization: OrganizationId,
    channel: ChannelId,
    mail: SourceMail,
) -> Result<(Received, usize), String> {
    let raw = mail.raw.map_err(|error| match error.kind() {
        ErrorKind::FileTooLarge => "is larger than DOSSIER_MAX_MESSAGE_MIB allows".to_owned(),
        _ => error.to_string(),
    })?;
    let incoming = spawn_blocking(move || mail::read(channel, Bytes::from(raw))).await;
    let incoming = incoming.map_err(|error| error.to_string())?;
    let message = receive::keep(db, store, organization, incoming).await.map_err(|error| error.to_string())?;
    db.act(organization, ActorRef::channel(channel), move |tx| receive::receive(tx, &message))
        .await
        .map_err(|error| error.to_string())
}

#[derive(Default)]
struct Summary {
    read: usize,
    new: usize,
    known: usize,
    conversations: usize,
    merged: usize,
    contacts: usize,
    failed: Vec<(String, String)>,
}

impl Summary {
    fn add(&mut self, name: String, outcome: Result<(Received, usize), String>) {
        self.read += 1;
        match outcome {
            Ok((received, merged)) => {
                self.new += usize::from(received.is_new);
                self.known += usize::from(!received.is_new);
                self.conversations += usize::from(received.conversation_created);
                self.merged += merged;
                self.contacts += usize::from(received.contact_created);
            }
            Err(reason) => self.failed.push((name, reason)),
        }
    }

    fn print(&self) -> std::io::Result<()> {
        let mut text = String::new();
        for (name, reason) in &self.failed {
            let _ = writeln!(text, "not imported: {name}: {reason}");
        }
        // Some of those that began before this import may have become part of others.
        let conversations = self.conversations.cast_signed() - self.merged.cast_signed();
        let _ = writeln!(text, "mails read       {}", self.read);
        let _ = writeln!(text, "new messages     {}", self.new);
        let _ = writeln!(text, "already there    {}", self.known);
        let _ = writeln!(text, "conversations    {conversations:+}");
        let _ = writeln!(text, "contacts         {:+}", self.contacts);
        let _ = writeln!(text, "failed           {}", self.failed.len());
        std::io::stdout().write_all(text.as_bytes())
    }
}

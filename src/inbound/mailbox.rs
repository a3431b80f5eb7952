//! Where `dossier import` finds mails: raw files, folders of them, maildirs and mbox files.
//!
//! Nothing but the mail at hand is held in memory, however large the mailbox is.

#[cfg(test)]
mod tests;

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, ErrorKind, Read},
    path::{Path, PathBuf},
};

/// Lines are read in pieces of at most this, since a file needn't have line ends.
const MAX_PIECE: u64 = 64 * 1024;

/// One mail of a mailbox, or what kept it from being read.
#[derive(Debug)]
pub struct SourceMail {
    /// Its path, and `#n` for the nth of several mails in an mbox.
    pub name: String,
    /// How much of [`total_bytes`] it took.
    pub consumed: u64,
    /// The mail without its envelope line. One that is too large gives [`ErrorKind::FileTooLarge`].
    pub raw: io::Result<Vec<u8>>,
}

/// The mails under these paths, in the order of the paths and sorted by name within folders.
///
/// A mail above `max_bytes` is skipped without being held in memory. What can't be read is an item too, and
/// the rest follows.
pub fn mails(paths: &[PathBuf], max_bytes: u64) -> impl Iterator<Item = SourceMail> + use<> {
    files(paths).flat_map(move |(path, found)| match found {
        Ok(()) => Mails::open(&path, max_bytes),
        Err(error) => Mails::failed(&path, 0, error),
    })
}

/// How many bytes [`mails`] goes through. What can't be read counts as nothing.
pub fn total_bytes(paths: &[PathBuf]) -> u64 {
    files(paths).map(|(path, _)| length(&path)).sum()
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// Every file under these paths. The paths themselves may be links; within folders links to folders aren't followed,
/// since they may lead in circles.
fn files(paths: &[PathBuf]) -> impl Iterator<Item = (PathBuf, io::Result<()>)> + use<> {
    let mut pending: Vec<PathBuf> = paths.iter().rev().cloned().collect();
    std::iter::from_fn(move || {
        while let Some(path) = pending.pop() {
            match fs::metadata(&path) {
                Ok(metadata) if metadata.is_dir() => match entries(&path) {
                    Ok(entries) => pending.extend(entries.into_iter().rev()),
                    Err(error) => return Some((path, Err(error))),
                },
                Ok(metadata) if metadata.is_file() => return Some((path, Ok(()))),
                Ok(_) => return Some((path, Err(ErrorKind::InvalidInput.into()))),
                Err(error) => return Some((path, Err(error))),
            }
        }
        None
    })
}

/// What a folder holds, sorted. A maildir's own files are its index, and those in `tmp` are still being delivered;
/// its folders, other maildirs among them, hold the mails.
fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let is_maildir = folder.join("cur").is_dir() && folder.join("new").is_dir();
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let path = entry.path();
        let name = entry.file_name();
        let wanted = if kind.is_dir() {
            !(is_maildir && name == "tmp")
        } else {
            // Hidden files are other programs' notes.
            path.is_file() && !is_maildir && !name.as_encoded_bytes().starts_with(b".")
        };
        if wanted {
            entries.push(path);
        }
    }
    entries.sort();
    Ok(entries)
}

/// The mails of one file.
struct Mails {
    path: PathBuf,
    max_bytes: u64,
    next: Next,
}

enum Next {
    /// A file that is one mail, and its length.
    Single(File, u64),
    /// An mbox whose last envelope line was read, how long that was, and the number of its mail.
    Mbox(BufReader<File>, u64, usize),
    Failed(u64, io::Error),
    Nothing,
}

impl Mails {
    fn open(path: &Path, max_bytes: u64) -> Self {
        let next = Self::first(path);
        Self { path: path.to_owned(), max_bytes, next: next.unwrap_or_else(|error| Next::Failed(length(path), error)) }
    }

    fn failed(path: &Path, consumed: u64, error: io::Error) -> Self {
        Self { path: path.to_owned(), max_bytes: 0, next: Next::Failed(consumed, error) }
    }

    /// A file whose first line is an envelope is an mbox, if only of one mail.
    fn first(path: &Path) -> io::Result<Next> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        let mut reader = BufReader::new(file);
        if !reader.fill_buf()?.starts_with(b"From ") {
            return Ok(Next::Single(File::open(path)?, length));
        }
        let mut line = Vec::new();
        let mut envelope = 0;
        while !line.ends_with(b"\n") && read_piece(&mut reader, &mut line)? {
            envelope += line.len() as u64;
        }
        Ok(Next::Mbox(reader, envelope, 1))
    }
}

impl Iterator for Mails {
    type Item = SourceMail;

    fn next(&mut self) -> Option<SourceMail> {
        let path = self.path.display();
        match std::mem::replace(&mut self.next, Next::Nothing) {
            Next::Nothing => None,
            Next::Failed(consumed, error) => Some(SourceMail { name: path.to_string(), consumed, raw: Err(error) }),
            Next::Single(file, length) => Some(SourceMail {
                name: path.to_string(),
                consumed: length,
                raw: read_single(file, length, self.max_bytes),
            }),
            Next::Mbox(mut reader, envelope, number) => {
                let mut mail = MboxMail::new(self.max_bytes);
                let read = mail.read(&mut reader);
                let next_envelope = read.as_ref().ok().copied().flatten();
                // A file with one envelope line is a saved mail: nobody separated or quoted anything in it.
                let is_mailbox = number > 1 || next_envelope.is_some();
                let name = if is_mailbox { format!("{path}#{number}") } else { path.to_string() };
                let consumed = envelope + mail.consumed;
                let raw = read.and_then(|_| mail.finish(is_mailbox, next_envelope.is_some()));
                if let Some(next_envelope) = next_envelope {
                    self.next = Next::Mbox(reader, next_envelope, number + 1);
                }
                Some(SourceMail { name, consumed, raw })
            }
        }
    }
}

fn read_single(file: File, length: u64, max_bytes: u64) -> io::Result<Vec<u8>> {
    let mut raw = Vec::new();
    if length <= max_bytes {
        // It may be growing.
        file.take(max_bytes.saturating_add(1)).read_to_end(&mut raw)?;
    }
    if length > max_bytes || raw.len() as u64 > max_bytes {
        return Err(ErrorKind::FileTooLarge.into());
    }
    Ok(raw)
}

/// A mail that is being read from an mbox (RFC 4155), in the quoting of mboxrd.
struct MboxMail {
    raw: Vec<u8>,
    max_bytes: u64,
    too_large: bool,
    consumed: u64,
}

impl MboxMail {
    fn new(max_bytes: u64) -> Self {
        Self { raw: Vec::new(), max_bytes, too_large: false, consumed: 0 }
    }

    /// Reads to the next envelope line, and gives its length; `None` at the end of the file.
    fn read(&mut self, reader: &mut impl BufRead) -> io::Result<Option<u64>> {
        let mut piece = Vec::new();
        let mut starts_line = true;
        let mut after_empty_line = true;
        while read_piece(reader, &mut piece)? {
            let ends_line = piece.ends_with(b"\n");
            if starts_line && after_empty_line && is_envelope(&piece) {
                return Ok(Some(piece.len() as u64));
            }
            self.consumed += piece.len() as u64;
            self.keep(&piece);
            after_empty_line = starts_line && piece.trim_ascii().is_empty() && ends_line;
            starts_line = ends_line;
        }
        Ok(None)
    }

    fn keep(&mut self, piece: &[u8]) {
        // An empty line at the end may turn out to be no part of the mail: two bytes more.
        if self.too_large || (self.raw.len() + piece.len()) as u64 > self.max_bytes + 2 {
            self.too_large = true;
            self.raw = Vec::new();
        } else {
            self.raw.extend_from_slice(piece);
        }
    }

    /// The mail without its quoting and without the empty line that separates it from the next.
    fn finish(self, is_mailbox: bool, is_followed: bool) -> io::Result<Vec<u8>> {
        let mut raw = self.raw;
        let endings = [b"\n\r\n".as_slice(), b"\n\n"];
        let separated = endings.iter().find(|ending| raw.ends_with(ending));
        if let Some(ending) = separated.filter(|_| is_followed) {
            raw.truncate(raw.len() + 1 - ending.len());
        }
        if self.too_large || raw.len() as u64 > self.max_bytes {
            return Err(ErrorKind::FileTooLarge.into());
        }
        Ok(if is_mailbox { unquoted(&raw) } else { raw })
    }
}

/// Reads a line, or the next piece of a long one; false at the end of the file.
fn read_piece(reader: &mut impl BufRead, piece: &mut Vec<u8>) -> io::Result<bool> {
    piece.clear();
    Ok(reader.take(MAX_PIECE).read_until(b'\n', piece)? > 0)
}

/// `From address date`. Programs forget to quote lines of prose that begin with the word, which have no date.
fn is_envelope(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"From ") else {
        return false;
    };
    let rest = String::from_utf8_lossy(rest);
    let words: Vec<&str> = rest.split_whitespace().collect();
    let is_number = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
    let is_time =
        |word: &&str| word.split(':').count() >= 2 && word.split(':').all(|part| part.len() == 2 && is_number(part));
    let is_year = |word: &&str| word.len() == 4 && is_number(word);
    match words.as_slice() {
        [address] => address.contains('@'),
        words => words.iter().any(is_time) && words.iter().any(is_year),
    }
}

/// Lines that would have looked like an envelope were given one `>` more.
fn unquoted(raw: &[u8]) -> Vec<u8> {
    let lines: Vec<&[u8]> = raw
        .split_inclusive(|byte| *byte == b'\n')
        .map(|line| {
            let marks = line.iter().take_while(|byte| **byte == b'>').count();
            let quoted = line.get(marks..).is_some_and(|rest| rest.starts_with(b"From "));
            line.strip_prefix(b">").filter(|_| quoted).unwrap_or(line)
        })
        .collect();
    lines.concat()
}

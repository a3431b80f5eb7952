//! Message-IDs: what ties mails into threads (RFC 5322, section 3.6.4).

use std::collections::HashSet;

use sha2::{Digest, Sha256};

/// Longer ids are named by their hash, so that they still tell mails apart and fit an index.
const MAX_ID_BYTES: usize = 900;
/// Of a longer list the first ids (they name the root, which all of the thread shares) and the last
/// (the mails that were answered) are kept, as RFC 5537, section 3.4.4, advises for trimming.
const KEPT_FIRST: usize = 20;
const KEPT_LAST: usize = 80;

/// The id in a `Message-ID` or `Content-ID` field, without its brackets.
pub fn own(field: &str) -> Option<String> {
    bracketed(field)
        .find_map(normalise)
        // Some programs forget the brackets, or one of them.
        .or_else(|| field.split_whitespace().find_map(normalise))
}

/// The ids that a mail names in `References` and `In-Reply-To`, the oldest first, each once, without its own.
pub fn references<'a>(
    references: impl Iterator<Item = &'a str>,
    in_reply_to: impl Iterator<Item = &'a str>,
    own: Option<&str>,
) -> Vec<String> {
    let mut seen = HashSet::new();
    let all: Vec<String> = references
        .flat_map(in_references)
        .chain(in_reply_to.flat_map(in_in_reply_to))
        .filter(|id| Some(id.as_str()) != own && seen.insert(id.clone()))
        .collect();
    let surplus = all.len().saturating_sub(KEPT_FIRST + KEPT_LAST);
    all.iter().take(KEPT_FIRST).chain(all.iter().skip(KEPT_FIRST + surplus)).cloned().collect()
}

fn in_references(field: &str) -> Vec<String> {
    if field.contains('<') {
        return bracketed(field).filter_map(normalise).collect();
    }
    let ids = field.split_whitespace().filter(|word| word.contains('@'));
    ids.filter_map(normalise).collect()
}

/// Old programs write `Message from X <address> of "date" <id>`: beside prose only the last bracketed part is an id.
fn in_in_reply_to(field: &str) -> Vec<String> {
    let prose = field
        .split('>')
        .filter_map(|part| part.split('<').next())
        .any(|outside| outside.contains(char::is_alphanumeric));
    if prose && field.contains('<') {
        return bracketed(field).last().and_then(normalise).into_iter().collect();
    }
    // Without brackets, only a lone word can be an id: an address in prose isn't one.
    if prose && field.split_whitespace().count() > 1 {
        return Vec::new();
    }
    in_references(field)
}

/// Every `<…>`; of nested ones the innermost.
fn bracketed(field: &str) -> impl Iterator<Item = &str> {
    field.split_inclusive('>').filter_map(|part| Some(part.strip_suffix('>')?.rsplit_once('<')?.1))
}

/// Folding may have left blanks inside an id.
fn normalise(id: &str) -> Option<String> {
    let id: String = id.chars().filter(|c| !c.is_whitespace() && !c.is_control() && !matches!(c, '<' | '>')).collect();
    if id.len() > MAX_ID_BYTES {
        let hash = Sha256::digest(id.as_bytes());
        let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        return Some(format!("sha256:{hex}"));
    }
    (!id.is_empty()).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn referenced(references: &str, in_reply_to: &str) -> Vec<String> {
        super::references(Some(references).into_iter(), Some(in_reply_to).into_iter(), Some("me@x"))
    }

    #[test]
    fn the_own_id_is_read_also_when_broken() {
        assert_eq!(own("<a@x>").as_deref(), Some("a@x"));
        assert_eq!(own("(why) <a b\t@x> more").as_deref(), Some("ab@x"));
        assert_eq!(own("a@x (added by x)").as_deref(), Some("a@x"));
        assert_eq!(own("<a@x").as_deref(), Some("a@x"));
        assert_eq!(own("<<a@x>>").as_deref(), Some("a@x"));
        assert_eq!(own("<> "), None);
    }

    #[test]
    fn a_very_long_id_is_named_by_its_hash() {
        let long = "x".repeat(901);
        let id = own(&format!("<{long}>")).unwrap_or_default();
        assert!(id.starts_with("sha256:") && id.len() == 71, "{id}");
        assert_eq!(referenced(&long, &format!("<{long}>")), [id]);
    }

    #[test]
    fn references_are_every_bracketed_part() {
        assert_eq!(referenced("<a@x>,<b@x>\t<c d@x> (e) <> <a@x> <me@x>", ""), ["a@x", "b@x", "cd@x"]);
        assert_eq!(referenced("a@x b@x and more", ""), ["a@x", "b@x"]);
    }

    #[test]
    fn beside_prose_only_the_last_bracketed_part_is_an_id() {
        let old = "Message from Jo <jo@x.nl> of \"Tue, 20 Aug 2002 17:27:47 BST.\" <a@x>";
        assert_eq!(referenced("", old), ["a@x"]);
        assert_eq!(referenced("", "<a@x> <b@x>"), ["a@x", "b@x"]);
        assert_eq!(referenced("", "<a@x>; from jo@x.nl on Tue"), ["a@x"]);
        assert_eq!(referenced("", "a@x"), ["a@x"]);
        assert_eq!(referenced("", "your message to jo@x.nl"), Vec::<String>::new());
    }

    #[test]
    fn of_many_references_the_first_and_the_last_are_kept() {
        let many: String = (0..500).map(|n| format!("<{n}@x> ")).collect();
        let kept = referenced(&many, "<last@x>");
        assert_eq!(kept.len(), 100);
        assert_eq!(kept.first().map(String::as_str), Some("0@x"));
        assert_eq!(kept.get(19).map(String::as_str), Some("19@x"));
        assert_eq!(kept.get(20).map(String::as_str), Some("421@x"));
        assert_eq!(kept.last().map(String::as_str), Some("last@x"));
    }
}

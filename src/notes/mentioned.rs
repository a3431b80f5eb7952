//! Who a text mentions: a pure rule.

use crate::access::Colleague;
use crate::ids::UserId;
use crate::text::{fold, words};

/// What is looked at behind an `@`; no name is longer.
const MAX_NAME: usize = 200;

/// The colleagues whom `text` mentions, in its order: `@` before a whole name or an e-mail address, case and accents
/// ignored. The longest name that fits is meant; one that fits nobody, or several, is only text.
pub fn mentioned(text: &str, colleagues: &[Colleague]) -> Vec<UserId> {
    let mut found = Vec::new();
    let mut before = None;
    for (at, letter) in text.char_indices() {
        // Within a word it is part of an address.
        if letter == '@' && !before.is_some_and(|before: char| before.is_alphanumeric() || "._-+".contains(before)) {
            let behind: String = text.get(at + 1..).unwrap_or_default().chars().take(MAX_NAME).collect();
            if let Some(id) = by_address(&behind, colleagues).or_else(|| by_name(&behind, colleagues))
                && !found.contains(&id)
            {
                found.push(id);
            }
        }
        before = Some(letter);
    }
    found
}

fn by_address(behind: &str, colleagues: &[Colleague]) -> Option<UserId> {
    let token = behind.split(char::is_whitespace).next()?;
    let address = token.trim_end_matches(|letter: char| !letter.is_alphanumeric()).to_lowercase();
    colleagues.iter().find(|colleague| colleague.email == address).map(|colleague| colleague.id)
}

fn by_name(behind: &str, colleagues: &[Colleague]) -> Option<UserId> {
    if !behind.starts_with(char::is_alphanumeric) {
        return None;
    }
    let ends = |letter: char| !(letter.is_alphanumeric() || " -.'’".contains(letter) || !fold_is_letterless(letter));
    let spoken = words(behind.split(ends).next()?);
    let fitting = colleagues.iter().filter_map(|colleague| {
        let name = words(&colleague.name);
        (!name.is_empty() && spoken.starts_with(&name)).then_some((name.len(), colleague.id))
    });
    let fitting: Vec<(usize, UserId)> = fitting.collect();
    let longest = fitting.iter().map(|(length, _)| *length).max()?;
    match fitting.iter().filter(|(length, _)| *length == longest).collect::<Vec<_>>().as_slice() {
        [(_, only)] => Some(*only),
        _ => None,
    }
}

/// Not an accent, which belongs to the letter before it.
fn fold_is_letterless(letter: char) -> bool {
    !fold(letter.encode_utf8(&mut [0; 4])).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_or_an_address_that_fits_one_colleague_mentions_them() {
        let colleague =
            |name: &str, email: &str| Colleague { id: UserId::new(), name: name.to_owned(), email: email.to_owned() };
        let team = [
            colleague("Grace", "grace@example.com"),
            colleague("Grace Hopper", "hopper@example.com"),
            colleague("José Núñez", "jose@example.com"),
            colleague("Alex Kim", "alex@example.com"),
            colleague("Alex Kim", "kim@example.com"),
            colleague("田中", "tanaka@example.com"),
        ];
        let [grace, hopper, jose, _, kim, tanaka] = team.each_ref().map(|colleague| colleague.id);
        for (text, ids) in [
            ("@Grace, could you call?", vec![grace]),
            ("Ask @grace hopper and (@JOSE NUNEZ)!", vec![hopper, jose]),
            ("@Jose\u{301} Nu\u{301}n\u{303}ez", vec![jose]),
            ("@Grace Kelly", vec![grace]),
            ("@Grace\nHopper", vec![grace]),
            ("@hopper@example.com. @Grace @grace@example.com", vec![hopper, grace]),
            ("@KIM@EXAMPLE.COM", vec![kim]),
            ("@田中さん", vec![tanaka]),
            ("@Alex Kim is two people", vec![]),
            ("@Alex", vec![]),
            ("@Gracehopper @ Grace @@ @", vec![]),
            ("mail grace@example.com, or a@Grace", vec![]),
        ] {
            assert_eq!(mentioned(text, &team), ids, "{text}");
        }
    }
}

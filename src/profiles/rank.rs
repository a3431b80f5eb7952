//! How well a name fits what was typed: pure rules.

use crate::text;

/// Best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// The whole name.
    Exact,
    /// The first word typed begins the name, and the others are in it.
    FirstWord,
    /// Every word typed begins some word of the name.
    AnyWord,
    /// Some word typed is only in a contact or a field.
    Elsewhere,
    /// Words are written nearly so.
    Typo,
}

/// How well `name` fits `words`, which are known to be found in it or with its contacts or fields.
pub fn fit(name: &str, words: &[String]) -> Fit {
    let of_name = text::words(name);
    if of_name == words {
        return Fit::Exact;
    }
    if !words.iter().all(|word| of_name.iter().any(|other| other.starts_with(word.as_str()))) {
        return Fit::Elsewhere;
    }
    match (of_name.first(), words.first()) {
        (Some(first), Some(typed)) if first.starts_with(typed.as_str()) => Fit::FirstWord,
        _ => Fit::AnyWord,
    }
}

/// Words shorter than this must be right.
pub const FORGIVEN_FROM: usize = 4;

/// Whether `name` fits `words`, small typos forgiven.
pub fn nearly_fits(name: &str, words: &[String]) -> bool {
    let of_name = text::words(name);
    words.iter().all(|word| of_name.iter().any(|other| other.starts_with(word.as_str()) || is_near(word, other)))
}

/// One letter wrong, missing, too many or swapped with its neighbour; two in a long word. What is typed may also be
/// the beginning of the word.
pub fn is_near(typed: &str, word: &str) -> bool {
    let typed: Vec<char> = typed.chars().collect();
    let word: Vec<char> = word.chars().collect();
    let forgiven = match typed.len() {
        ..FORGIVEN_FROM => return false,
        FORGIVEN_FROM..8 => 1,
        _ => 2,
    };
    if word.len() + forgiven < typed.len() {
        return false;
    }
    prefix_distance(&typed, &word) <= forgiven
}

/// The fewest edits that make `typed` a beginning of `word` (optimal string alignment).
fn prefix_distance(typed: &[char], word: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=word.len()).collect();
    for (index, letter) in typed.iter().enumerate() {
        let mut next = vec![index + 1];
        for (place, other) in word.iter().enumerate() {
            let at = |row: &[usize], place: usize| row.get(place).copied().unwrap_or(usize::MAX / 2);
            let substituted = at(&row, place) + usize::from(letter != other);
            let mut least = substituted.min(at(&row, place + 1) + 1).min(at(&next, place) + 1);
            let swapped =
                index > 0 && place > 0 && typed.get(index - 1) == Some(other) && word.get(place - 1) == Some(letter);
            if swapped {
                least = least.min(at(&before, place - 1) + 1);
            }
            next.push(least);
        }
        before = row;
        row = next;
    }
    row.into_iter().min().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(typed: &str) -> Vec<String> {
        text::query_words(typed)
    }

    #[test]
    fn names_are_ranked_by_how_they_fit() {
        for (typed, name, expected) in [
            ("jan jansen", "Jan Jansen", Fit::Exact),
            ("jan am", "Jan Amsterdam BV", Fit::FirstWord),
            ("jan am", "Amsterdam Janssen BV", Fit::AnyWord),
            ("JOSÉ", "Josefien", Fit::FirstWord),
            ("jan 0612", "Jan Jansen", Fit::Elsewhere),
        ] {
            assert_eq!(fit(name, &words(typed)), expected, "{typed} in {name}");
        }
    }

    #[test]
    fn small_typos_are_forgiven() {
        for (typed, name, near) in [
            ("jansn", "Jansen", true),
            ("jnasen", "Jansen", true),
            ("jamsen", "Jansen", true),
            ("amstredam", "Amsterdam", true),
            ("amstre", "Amsterdam", true),
            ("bakker jansn", "Piet Jansen", false),
            ("jxxsen", "Jansen", false),
            ("jn", "Jansen", false),
        ] {
            assert_eq!(nearly_fits(name, &words(typed)), near, "{typed} in {name}");
        }
    }

    proptest! {
        #[test]
        fn one_letter_less_is_always_near(word in "[a-z]{5,12}", place in 0_usize..12) {
            let mut typed = word.clone();
            typed.remove(place.min(word.len() - 1));
            prop_assert!(nearly_fits(&word, &[typed]));
        }
    }
}

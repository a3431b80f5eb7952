//! How well a name fits what was typed: pure rules.

use super::terms::is_forgiven;

/// Best first. A word that is typed to its end is worth more than the beginning of another: who types `lama` seeks a
/// Lama, however many are called Lamar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// The whole name.
    Exact,
    /// What is typed is the whole of an address, or of a field's value.
    ExactElsewhere,
    /// Every word typed is a word of the name, the first its first.
    WholeFromFirst,
    /// Every word typed is a word of the name.
    Whole,
    /// The first word typed begins the name, and the others are in it.
    FirstWord,
    /// Every word typed begins some word of the name.
    AnyWord,
    /// Some word typed is only in a contact or a field.
    Elsewhere,
    /// A word is written nearly so.
    Typo,
    /// A word begins nearly so.
    TypoInBeginning,
}

/// How well a name fits that begins with what was typed, both folded.
pub fn fit_of_beginning(name: &str, typed: &str) -> Fit {
    match name.strip_prefix(typed).map(|rest| rest.chars().next()) {
        Some(None) => Fit::Exact,
        Some(Some(next)) if next.is_alphanumeric() => Fit::FirstWord,
        _ => Fit::WholeFromFirst,
    }
}

/// How well a name, as its words each after a space, fits the words typed; None where one isn't in it.
pub fn fit(name: &str, words: &[String]) -> Option<Fit> {
    let of_name: Vec<&str> = name.split(' ').skip(1).collect();
    if of_name == words {
        return Some(Fit::Exact);
    }
    if !words.iter().all(|word| of_name.iter().any(|other| other.starts_with(word.as_str()))) {
        return None;
    }
    let is_whole = words.iter().all(|word| of_name.contains(&word.as_str()));
    let is_from_first = of_name.iter().zip(words).take(1).all(|(first, word)| first.starts_with(word.as_str()));
    Some(match (is_whole, is_from_first) {
        (true, true) => Fit::WholeFromFirst,
        (true, false) => Fit::Whole,
        (false, true) => Fit::FirstWord,
        (false, false) => Fit::AnyWord,
    })
}

/// How well it fits them, small typos forgiven.
pub fn near_fit(name: &str, words: &[String]) -> Option<Fit> {
    let of_word = |typed: &String| {
        let of_name = name.split(' ').skip(1);
        of_name
            .filter_map(|word| if word.starts_with(typed.as_str()) { Some(Fit::Typo) } else { near(typed, word) })
            .min()
    };
    words.iter().map(of_word).collect::<Option<Vec<Fit>>>()?.into_iter().max()
}

/// Whether one is typed for the other: one letter wrong, missing, too many or swapped with its neighbour. What is
/// typed may also be the beginning of the word.
pub fn near(typed: &str, word: &str) -> Option<Fit> {
    if !is_forgiven(typed) {
        return None;
    }
    let typed: Vec<char> = typed.chars().collect();
    let word: Vec<char> = word.chars().collect();
    let (whole, beginning) = distances(&typed, &word);
    match (whole, beginning) {
        (..=1, _) => Some(Fit::Typo),
        (_, ..=1) => Some(Fit::TypoInBeginning),
        _ => None,
    }
}

/// The fewest edits that make `typed` the `word`, and a beginning of it (optimal string alignment).
fn distances(typed: &[char], word: &[char]) -> (usize, usize) {
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
    (row.last().copied().unwrap_or(0), row.into_iter().min().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::terms::{joined, name_terms};
    use super::*;
    use crate::text;

    fn words(typed: &str) -> Vec<String> {
        text::query_words(typed)
    }

    #[test]
    fn names_are_ranked_by_how_they_fit() {
        for (typed, name, expected) in [
            ("jan jansen", "Jan Jansen", Some(Fit::Exact)),
            ("jan", "Jan Jansen", Some(Fit::WholeFromFirst)),
            ("jan", "Piet Jan", Some(Fit::Whole)),
            ("jan am", "Jan Amsterdam BV", Some(Fit::FirstWord)),
            ("jan am", "Amsterdam Janssen BV", Some(Fit::AnyWord)),
            ("JOSÉ", "Josefien", Some(Fit::FirstWord)),
            ("jan am", "Jan Gouda", None),
        ] {
            assert_eq!(fit(&joined(&name_terms(name)), &words(typed)), expected, "{typed} in {name}");
        }
        assert_eq!(fit_of_beginning("jan jansen", "jan"), Fit::WholeFromFirst);
        assert_eq!(fit_of_beginning("jansen", "jan"), Fit::FirstWord);
        assert_eq!(fit_of_beginning("jan", "jan"), Fit::Exact);
    }

    #[test]
    fn small_typos_are_forgiven() {
        for (typed, name, expected) in [
            ("jansn", "Jansen", Some(Fit::Typo)),
            ("jnasen", "Jansen", Some(Fit::Typo)),
            ("jamsen", "Jansen", Some(Fit::Typo)),
            ("amstredam", "Amsterdam", Some(Fit::Typo)),
            ("amstre", "Amsterdam", Some(Fit::TypoInBeginning)),
            ("piet jansn", "Piet Jansen", Some(Fit::Typo)),
            ("bakker jansn", "Piet Jansen", None),
            ("jxxsen", "Jansen", None),
            ("jn", "Jansen", None),
            ("10071", "10072", None),
        ] {
            assert_eq!(near_fit(&joined(&name_terms(name)), &words(typed)), expected, "{typed} in {name}");
        }
    }

    proptest! {
        #[test]
        fn one_letter_less_is_always_near(word in "[a-z]{5,12}", place in 0_usize..12) {
            let mut typed = word.clone();
            typed.remove(place.min(word.len() - 1));
            prop_assert!(near(&typed, &word).is_some());
        }
    }
}

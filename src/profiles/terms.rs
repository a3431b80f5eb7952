//! The words by which a name is found, and those by which a mistyped word is put right: pure rules.

use std::collections::BTreeSet;

use crate::text;

const MAX_TERMS: usize = 32;
const MAX_TERM: usize = 100;
/// What fits into an index beside a term.
const MAX_WORDS: usize = 300;
/// Words shorter than this must be right.
pub const FORGIVEN_FROM: usize = 4;
/// The letters of a word among which a slip is looked for.
const SPELLED: usize = 8;

/// The words of a name, in reading order.
pub fn name_terms(name: &str) -> Vec<String> {
    text::words(name).iter().take(MAX_TERMS).map(|word| text::truncate(word, MAX_TERM).to_owned()).collect()
}

/// All words of a name in one text, each after a space: where ` jan` is found, a word begins with `jan`.
pub fn joined(terms: &[String]) -> String {
    let words: String = terms.iter().flat_map(|term| [" ", term]).collect();
    text::truncate(&words, MAX_WORDS).to_owned()
}

/// Whether slips in a word are forgiven: in a number they are not.
pub fn is_forgiven(word: &str) -> bool {
    word.chars().all(char::is_alphabetic) && word.chars().nth(FORGIVEN_FROM - 1).is_some()
}

/// Under what a word is kept, for who mistypes it: its beginning, and that with any one letter left out.
///
/// Two words, or beginnings of words, that differ by one letter (wrong, missing, too many, or swapped with its
/// neighbour) share one of their spellings, or one's spelling begins with one of the other's.
pub fn spellings(word: &str) -> BTreeSet<String> {
    if !is_forgiven(word) {
        return BTreeSet::new();
    }
    let letters: Vec<char> = word.chars().take(SPELLED).collect();
    let without = |left_out: usize| -> String {
        letters.iter().enumerate().filter(|(place, _)| *place != left_out).map(|(_, letter)| *letter).collect()
    };
    (0..=letters.len()).map(without).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Whether the search for a mistyped word would come upon this one.
    fn leads_to(typed: &str, word: &str) -> bool {
        let kept = spellings(word);
        spellings(typed).iter().any(|spelling| kept.iter().any(|other| other.starts_with(spelling.as_str())))
    }

    #[test]
    fn words_stand_after_spaces() {
        assert_eq!(joined(&name_terms("Jan  van-der Børg")), " jan van der borg");
        assert_eq!(spellings("jan"), BTreeSet::new());
        assert_eq!(Vec::from_iter(spellings("abcd")), ["abc", "abcd", "abd", "acd", "bcd"]);
    }

    proptest! {
        #[test]
        fn one_slip_in_a_beginning_leads_to_the_word(
            word in "[a-d]{5,14}", end in 5_usize..14, place in 0_usize..14, letter in "[a-e]",
        ) {
            let beginning: Vec<char> = word.chars().take(end).collect();
            let place = place.min(beginning.len() - 1);
            let slip = |change: &dyn Fn(&mut Vec<char>)| {
                let mut typed = beginning.clone();
                change(&mut typed);
                String::from_iter(typed)
            };
            let letter = letter.chars().next().unwrap();
            prop_assert!(leads_to(&slip(&|typed| typed[place] = letter), &word));
            prop_assert!(leads_to(&slip(&|typed| typed.splice(place..=place, []).for_each(drop)), &word));
            prop_assert!(leads_to(&slip(&|typed| typed.insert(place, letter)), &word));
            prop_assert!(leads_to(&slip(&|typed| typed.swap(place, (place + 1).min(beginning.len() - 1))), &word));
        }
    }
}

//! Text, folded and split into words: the same for indexing and for asking.

pub mod stem;
pub mod written;

use std::iter::Peekable;

use chrono::{Datelike, NaiveDate};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Letters whose plain form Unicode doesn't decompose.
fn plain(letter: char) -> Option<&'static str> {
    Some(match letter {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'ł' => "l",
        'đ' | 'ð' => "d",
        'þ' => "th",
        'ħ' => "h",
        'ı' => "i",
        'ŋ' => "n",
        'ŧ' => "t",
        'ĸ' => "k",
        _ => return None,
    })
}

/// Scripts that write without spaces between words: every two neighbours are a word.
fn is_unspaced(letter: char) -> bool {
    matches!(letter,
        '\u{0E00}'..='\u{0EFF}'      // Thai, Lao
        | '\u{1000}'..='\u{109F}'    // Myanmar
        | '\u{1780}'..='\u{17FF}'    // Khmer
        | '\u{3005}'..='\u{3007}'
        | '\u{3040}'..='\u{30FF}'    // Hiragana, Katakana
        | '\u{3400}'..='\u{4DBF}'
        | '\u{4E00}'..='\u{9FFF}'    // Han
        | '\u{F900}'..='\u{FAFF}'
        | '\u{20000}'..='\u{3FFFF}')
}

/// Folds case, accents, widths and compatibility forms away: `Ｊosé ß` becomes `jose ss`.
///
/// Marks are removed where they are accents (Latin, Greek, Cyrillic, Hebrew, Arabic …); in scripts where a mark is a
/// vowel, as in Devanagari or Thai, they stay.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for letter in text.nfkd().flat_map(char::to_lowercase).nfkd() {
        if is_accent(letter) || is_invisible(letter) {
            continue;
        }
        match plain(letter) {
            Some(letters) => folded.push_str(letters),
            None if letter == 'ς' => folded.push('σ'),
            None => folded.push(letter),
        }
    }
    folded.nfc().collect()
}

/// In lower case, with its accents: as dictionaries have it.
pub fn lower(text: &str) -> String {
    text.chars().filter(|letter| !is_invisible(*letter)).flat_map(char::to_lowercase).nfc().collect()
}

/// What only says how its neighbours are shown, such as where a word may be divided (Unicode's Default_Ignorable_Code_Point,
/// without the non-joiner, which parts words in Persian).
fn is_invisible(letter: char) -> bool {
    matches!(letter,
        '\u{AD}' | '\u{34F}' | '\u{61C}'
        | '\u{180B}'..='\u{180F}'
        | '\u{200B}' | '\u{200D}'..='\u{200F}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}'
        | '\u{FE00}'..='\u{FE0F}'
        | '\u{FEFF}'
        | '\u{E0000}'..='\u{E0FFF}')
}

fn is_accent(letter: char) -> bool {
    is_combining_mark(letter)
        && matches!(letter,
            '\u{0300}'..='\u{036F}'
            | '\u{0483}'..='\u{0489}'
            | '\u{0591}'..='\u{05C7}'
            | '\u{0610}'..='\u{061A}'
            | '\u{064B}'..='\u{065F}'
            | '\u{0670}'
            | '\u{1AB0}'..='\u{1AFF}'
            | '\u{1DC0}'..='\u{1DFF}'
            | '\u{20D0}'..='\u{20FF}'
            | '\u{FE20}'..='\u{FE2F}')
}

/// The words of a text, folded, in reading order: runs of letters, digits and marks; unspaced scripts in pairs.
pub fn words(text: &str) -> Vec<String> {
    Words::of(fold(text).chars().map(|letter| (letter, ()))).map(|word| word.text).collect()
}

/// The words of a text with their places in it. `İ` folds into one letter and `㍿` into four: each has the place of
/// what is written.
pub fn placed_words(text: &str) -> impl Iterator<Item = Word<Place>> + '_ {
    Words::of(clusters(text).flat_map(|place| {
        let cluster = text.get(place.start..place.end).unwrap_or_default();
        let plain = cluster.chars().next().filter(char::is_ascii).filter(|_| cluster.len() == 1);
        let folded: Vec<char> = if plain.is_some() { Vec::new() } else { fold(cluster).chars().collect() };
        let letters = plain.into_iter().map(|letter| letter.to_ascii_lowercase()).chain(folded);
        letters.map(move |letter| (letter, place))
    }))
}

/// A word, and the places of its first and its last letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word<P> {
    pub text: String,
    pub first: P,
    pub last: P,
    /// The last letter of an unspaced stretch, with which no pair begins.
    pub tail: Option<char>,
}

/// Bytes of a text from `start` on, before `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub start: usize,
    pub end: usize,
}

/// Words as one comes upon them.
struct Words<P, L: Iterator<Item = (char, P)>> {
    letters: Peekable<L>,
    /// The letter that ended a pair, and begins the next.
    begun: Option<(char, P)>,
}

impl Word<Place> {
    /// As it is written in the text.
    pub fn written<'t>(&self, text: &'t str) -> &'t str {
        text.get(self.first.start..self.last.end).unwrap_or_default()
    }
}

impl<P: Copy, L: Iterator<Item = (char, P)>> Words<P, L> {
    /// Those of folded letters, each with its place.
    fn of(letters: L) -> Self {
        Self { letters: letters.peekable(), begun: None }
    }
}

impl<P: Copy, L: Iterator<Item = (char, P)>> Iterator for Words<P, L> {
    type Item = Word<P>;

    fn next(&mut self) -> Option<Word<P>> {
        let begun = self.begun.take().or_else(|| self.letters.find(|(letter, _)| letter.is_alphanumeric()));
        let (letter, first) = begun?;
        let (mut text, mut last, mut tail) = (String::from(letter), first, None);
        if is_unspaced(letter) {
            let goes_on = |(letter, _): &(char, P)| {
                is_combining_mark(*letter) || (letter.is_alphanumeric() && is_unspaced(*letter))
            };
            if let Some(second) = self.letters.next_if(goes_on) {
                text.push(second.0);
                last = second.1;
                match self.letters.peek().is_some_and(goes_on) {
                    true => self.begun = Some(second),
                    false => tail = Some(second.0).filter(|letter| letter.is_alphanumeric()),
                }
            }
        } else {
            let goes_on = |(letter, _): &(char, P)| {
                (letter.is_alphanumeric() || is_combining_mark(*letter)) && !is_unspaced(*letter)
            };
            while let Some((letter, place)) = self.letters.next_if(goes_on) {
                text.push(letter);
                last = place;
            }
        }
        Some(Word { text, first, last, tail })
    }
}

/// Whether a word is one letter of an unspaced script: it is looked for in pairs, too.
pub fn is_lone_letter(word: &str) -> bool {
    let mut letters = word.chars();
    letters.next().is_some_and(is_unspaced) && letters.next().is_none()
}

/// Whether a word may go on with a particle: in Korean nothing parts the two.
pub fn takes_particles(word: &str) -> bool {
    word.chars().next_back().is_some_and(|letter| ('\u{AC00}'..='\u{D7A3}').contains(&letter))
}

/// Letters with what joins them when they are folded, so that each can be folded by itself.
fn clusters(text: &str) -> impl Iterator<Item = Place> + '_ {
    let mut letters = text.char_indices().peekable();
    std::iter::from_fn(move || {
        let (start, _) = letters.next()?;
        while letters.next_if(|(_, letter)| is_joining(*letter)).is_some() {}
        Some(Place { start, end: letters.peek().map_or(text.len(), |(next, _)| *next) })
    })
}

/// Marks, and Hangul vowels and final consonants, of any width.
fn is_joining(letter: char) -> bool {
    if is_invisible(letter) {
        return true;
    }
    let decomposed = std::iter::once(letter).nfkd().next().filter(|_| !letter.is_ascii());
    decomposed.is_some_and(|letter| is_combining_mark(letter) || matches!(letter, '\u{1160}'..='\u{11FF}'))
}

/// What was typed into a search box, unless it is blank.
pub fn typed(q: Option<&str>) -> Option<&str> {
    q.filter(|typed| !typed.trim().is_empty())
}

/// The words that a person typed to find something.
pub fn query_words(typed: &str) -> Vec<String> {
    words(typed).into_iter().take(MAX_QUERY_WORDS).collect()
}

/// As many as names are found by.
const MAX_QUERY_WORDS: usize = 32;

/// The digits of what was typed, where that may be a telephone number that is written in groups: `+31 (0)20 - 111 22 33`
/// is `31201112233`. None where its one word says the same.
pub fn query_number(typed: &str) -> Option<String> {
    let folded = fold(typed.trim());
    let is_between =
        |letter: char| letter.is_whitespace() || "+-./()\u{2010}\u{2011}\u{2012}\u{2013}\u{2212}".contains(letter);
    if !folded.chars().all(|letter| letter.is_ascii_digit() || is_between(letter)) {
        return None;
    }
    let is_international = folded.starts_with('+') || folded.starts_with("00");
    // The zero that is dialled at home only.
    let written = if is_international { folded.replace("(0)", "") } else { folded };
    let digits: String = written.chars().filter(char::is_ascii_digit).collect();
    let digits = match digits.strip_prefix("00") {
        Some(rest) if rest.len() >= MIN_INTERNATIONAL => rest.to_owned(),
        Some(_) => return None,
        None => digits,
    };
    (digits.len() >= MIN_DIGITS && words(typed) != [digits.as_str()]).then_some(digits)
}

const MIN_DIGITS: usize = 3;
/// What has fewer digits behind two zeros is more likely a number that is filled up with them.
const MIN_INTERNATIONAL: usize = 6;

/// A date as YYYY-MM-DD, and nothing but digits in it (RFC 3339, 5.6: full-date), of the years 1 to 9999.
pub fn full_date(text: &str) -> Option<NaiveDate> {
    let is_plain = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| is_plain)?;
    is_of_four_digits(&date).then_some(date)
}

/// Whether the year is one that RFC 3339 can write, and so one that PostgreSQL can keep.
pub fn is_of_four_digits(time: &impl Datelike) -> bool {
    (1..=9999).contains(&time.year())
}

/// The first `max` characters of a text.
pub fn truncate(text: &str, max: usize) -> &str {
    match text.char_indices().nth(max) {
        Some((end, _)) => text.get(..end).unwrap_or(text),
        None => text,
    }
}

/// What a list is sorted by: folded, and short enough for an index.
pub fn sort_key(text: &str) -> String {
    truncate(&fold(text.trim()), 200).to_owned()
}

/// The beginning of a message on one line.
pub fn preview(text: &str) -> String {
    let mut line = String::new();
    for word in text.split_whitespace() {
        let space = usize::from(!line.is_empty());
        if line.chars().count() + space + word.chars().count() >= 140 {
            if line.is_empty() {
                line = truncate(word, 139).to_owned();
            }
            line.push('…');
            break;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn forms_of_a_name_fold_to_one() {
        for (written, folded) in [
            ("José", "jose"),
            ("JOSE\u{301}", "jose"),
            ("Ｊａｎ", "jan"),
            ("Straße", "strasse"),
            ("Łukasz Bjørn", "lukasz bjorn"),
            ("İstanbul", "istanbul"),
            ("Αθήνα ΟΔΟΣ", "αθηνα οδοσ"),
            ("Ёлкин", "елкин"),
            ("ﬁn", "fin"),
            ("Rech\u{AD}nung\u{200B}s\u{FEFF}", "rechnungs"),
        ] {
            assert_eq!(fold(written), folded, "{written}");
        }
    }

    #[test]
    fn words_are_runs_of_letters_and_digits_and_pairs_where_there_are_no_spaces() {
        assert_eq!(words("foo.com/bar, R-2024"), ["foo", "com", "bar", "r", "2024"]);
        assert_eq!(words("東京都 Tokyo"), ["東京", "京都", "tokyo"]);
        assert_eq!(words("水"), ["水"]);
        assert_eq!(words("हिन्दी"), ["हिन्दी"]);
        assert!(words(" -- …").is_empty());
    }

    #[test]
    fn words_have_the_places_of_what_is_written() {
        let written = |text: &str| -> Vec<(String, String)> {
            let of = |word: Word<Place>| (word.text, text[word.first.start..word.last.end].to_owned());
            placed_words(text).map(of).collect()
        };
        let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(word, written)| (word.to_string(), written.to_string())).collect()
        };
        assert_eq!(written("(JOSE\u{301}) x"), pairs(&[("jose", "JOSE\u{301}"), ("x", "x")]));
        assert_eq!(written("㍿東"), pairs(&[("株式", "㍿"), ("式会", "㍿"), ("会社", "㍿"), ("社東", "㍿東")]));
        assert_eq!(written("\u{FEFF}Rech\u{AD}nung"), pairs(&[("rechnung", "Rech\u{AD}nung")]));
        assert_eq!(written("ｶﾞｽ"), pairs(&[("ガス", "ｶﾞｽ")]));
        assert_eq!(written("\u{1112}\u{1161}\u{11ab}"), pairs(&[("한", "\u{1112}\u{1161}\u{11ab}")]));
    }

    #[test]
    fn an_unspaced_stretch_has_a_tail() {
        let tails = |text: &str| -> Vec<Option<char>> { placed_words(text).map(|word| word.tail).collect() };
        assert_eq!(tails("東京都 ab 水"), [None, Some('都'), None, None]);
    }

    #[test]
    fn a_telephone_number_is_one_however_it_is_written() {
        for typed in
            ["+31 20 111 22 33", "+31 (0)20 111-22-33", "0031 20 1112233", "+31(0)201112233", "\u{a0}31 201112233"]
        {
            assert_eq!(query_number(typed).as_deref(), Some("31201112233"), "{typed}");
        }
        for typed in ["020\u{2013}1112233", "020\u{a0}111 2233", "０２０ １１１２２３３"] {
            assert_eq!(query_number(typed).as_deref(), Some("0201112233"), "{typed}");
        }
        for typed in ["0201112233", "0017", "00777", "4-5", "R 2024", "", "+"] {
            assert_eq!(query_number(typed), None, "{typed}");
        }
    }

    #[test]
    fn a_date_is_written_in_one_way() {
        assert!(full_date("2024-02-29").is_some());
        for other in ["2024- 1-01", "2024-01- 1", "+2024-1-01", "-202-01-01", "2023-02-29", "0000-01-01", "2024-1-1"] {
            assert_eq!(full_date(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn letters_fold_one_by_one_as_together(text in "\\PC{0,60}") {
            prop_assert_eq!(placed_words(&text).map(|word| word.text).collect::<Vec<_>>(), words(&text));
        }

        #[test]
        fn folding_twice_changes_nothing(text in "\\PC{0,40}") {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once);
        }

        #[test]
        fn no_word_is_empty_or_holds_a_space(text in "\\PC{0,80}") {
            for word in words(&text) {
                prop_assert!(!word.is_empty() && !word.contains(char::is_whitespace));
            }
        }

        #[test]
        fn a_preview_is_one_short_line(text in "\\PC{0,400}") {
            let line = preview(&text);
            prop_assert!(line.chars().count() <= 140 && !line.contains('\n'));
        }
    }
}

//! Where in a text is what was sought, and the piece of it that shows so.

use std::cell::LazyCell;
use std::collections::{BTreeMap, VecDeque};

use super::{Part, SearchQuery};
use crate::text::{self, Place, Word};

/// Characters of a snippet, and how many of them before the first found word.
const SNIPPET: usize = 180;
const BEFORE: usize = 60;
/// Words of a text compared with words that are sought: a text can hold millions, and a question hundreds.
const MOST_COMPARED: usize = 500_000;

impl SearchQuery {
    /// A piece of `text` around what was found, safe to put into a page: HTML-escaped, with `<mark>` around each
    /// found word and nothing else added. It has as much of what is sought as one piece can, phrases first.
    pub fn snippet(&self, text: &str) -> String {
        let piece = self.piece(text);
        // A phrase may go from one of several texts into the next, or stand in what is too long to tell.
        let piece = piece.or_else(|| self.apart(|part| part.is_prefix).piece(text)).unwrap_or_default();
        let start = piece.start;
        let end = end_of_piece(text, start);
        let mut snippet = String::from(if start > 0 { "…" } else { "" });
        let mut at = start;
        for place in together(piece.marks) {
            let (from, to) = (place.start.max(at), place.end.min(end));
            if from < to {
                push_escaped(&mut snippet, text.get(at..from));
                snippet.push_str("<mark>");
                push_escaped(&mut snippet, text.get(from..to));
                snippet.push_str("</mark>");
                at = to;
            }
        }
        push_escaped(&mut snippet, text.get(at..end));
        if end < text.len() {
            snippet.push('…');
        }
        snippet
    }

    /// The best piece of a text to show; None where nothing of what is sought is in it.
    fn piece(&self, text: &str) -> Option<Piece> {
        let sought: Vec<&Part> = self.sought().collect();
        let is_phrase = |part: &usize| sought.get(*part).is_some_and(|part| part.words.len() > 1);
        let all = (0..sought.len()).filter(is_phrase).count();
        let (mut best, mut best_end) = (Piece::default(), usize::MAX);
        let mut score = (0, 0);
        let mut near: VecDeque<Found> = VecDeque::new();
        // How often each part is among them.
        let mut shown: BTreeMap<usize, usize> = BTreeMap::new();
        for found in self.places(sought.clone(), text) {
            // Nothing can be better, and nothing more is shown.
            if score == (all, sought.len()) && found.start >= best_end {
                break;
            }
            best.marks.extend(&found.marks);
            let end = found.end;
            *shown.entry(found.part).or_default() += 1;
            near.push_back(found);
            while near.len() > 1
                && let Some(first) = near.pop_front_if(|first| end > end_of_piece(text, before(text, first.start)))
            {
                match shown.get_mut(&first.part) {
                    Some(count) if *count > 1 => *count -= 1,
                    _ => drop(shown.remove(&first.part)),
                }
            }
            let fit = (shown.iter().filter(|(part, _)| is_phrase(part)).count(), shown.len());
            if let Some(first) = near.front().filter(|_| fit > score) {
                score = fit;
                best.start = before(text, first.start);
                best_end = end_of_piece(text, best.start);
            }
        }
        (score.1 > 0).then_some(best)
    }

    /// Where these parts are in a text, as they end, as far as [`MOST_COMPARED`] goes.
    pub(super) fn places<'q>(&'q self, parts: Vec<&'q Part>, text: &'q str) -> impl Iterator<Item = Found> + 'q {
        let longest = parts.iter().map(|part| part.words.len()).max().unwrap_or_default();
        let mut recent: VecDeque<Word<Place>> = VecDeque::with_capacity(longest + 1);
        let mut compared = 0;
        let found = text::placed_words(text).map_while(move |word| {
            recent.push_back(word);
            if recent.len() > longest {
                recent.pop_front();
            }
            let last = recent.back().filter(|_| compared < MOST_COMPARED)?;
            // Of a part of one word only.
            let stems = LazyCell::new(|| self.stemmer.stems(last.written(text), &last.text));
            let found = parts.iter().enumerate().filter_map(|(index, part)| {
                let from = recent.len().checked_sub(part.words.len())?;
                let mut marks = Vec::new();
                for (index, word) in (0..).zip(recent.range(from..)) {
                    compared += 1;
                    marks.extend(Self::marks(part, index, word, &stems)?);
                }
                let (start, end) = (marks.first()?.start, marks.last()?.end);
                Some(Found { part: index, start, end, marks })
            });
            Some(found.collect::<Vec<Found>>())
        });
        found.flatten()
    }

    /// What of a word is to be marked as the word of a part at `index`; None where it is another.
    fn marks(
        part: &Part,
        index: usize,
        word: &Word<Place>,
        stems: &LazyCell<Vec<String>, impl FnOnce() -> Vec<String>>,
    ) -> Option<Vec<Place>> {
        let sought = part.words.get(index)?;
        if text::is_lone_letter(sought) {
            let first = word.text.starts_with(sought.as_str()).then_some(word.first);
            let last = word.tail.filter(|tail| sought.starts_with(*tail)).map(|_| word.last);
            let marks: Vec<Place> = first.into_iter().chain(last).collect();
            return Some(marks).filter(|marks| !marks.is_empty());
        }
        let is_found = match part.is_prefix && index + 1 == part.words.len() {
            true => word.text.starts_with(sought.as_str()),
            false => word.text == *sought,
        };
        let has_stem = || !part.stems.is_empty() && stems.iter().any(|stem| part.stems.contains(stem));
        (is_found || has_stem()).then(|| vec![Place { start: word.first.start, end: word.last.end }])
    }
}

/// Where a part of a question is in a text: bytes.
pub(super) struct Found {
    part: usize,
    start: usize,
    end: usize,
    marks: Vec<Place>,
}

/// Where a snippet begins, and what was found in the text, as far as it was looked through.
#[derive(Default)]
struct Piece {
    start: usize,
    marks: Vec<Place>,
}

/// In their order, and those that touch as one: in unspaced scripts words overlap.
fn together(mut places: Vec<Place>) -> Vec<Place> {
    places.sort_by_key(|place| place.start);
    let mut together: Vec<Place> = Vec::new();
    for place in places {
        match together.last_mut().filter(|last| last.end >= place.start) {
            Some(last) => last.end = last.end.max(place.end),
            None => together.push(place),
        }
    }
    together
}

/// The beginning of a word, or else a letter, at most [`BEFORE`] characters before this one.
fn before(text: &str, at: usize) -> usize {
    let earlier = text.get(..at).unwrap_or_default();
    let from = earlier.char_indices().rev().nth(BEFORE - 1).map_or(0, |(from, _)| from);
    let behind_space =
        earlier.get(from..).unwrap_or_default().char_indices().find(|(_, letter)| letter.is_whitespace());
    match behind_space {
        Some((space, letter)) if from > 0 => from + space + letter.len_utf8(),
        _ => from,
    }
}

fn end_of_piece(text: &str, start: usize) -> usize {
    let piece = text.get(start..).unwrap_or_default();
    start + text::truncate(piece, SNIPPET).len()
}

/// Escapes, and makes one space of all white space between words.
fn push_escaped(html: &mut String, letters: Option<&str>) {
    for letter in letters.unwrap_or_default().chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            letter if letter.is_whitespace() && html.ends_with(' ') => {}
            letter if letter.is_whitespace() => html.push(' '),
            letter => html.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::stem::Stemmer;

    fn snippet(typed: &str, text: &str) -> String {
        SearchQuery::parse(typed, Stemmer::of("en")).unwrap().snippet(text)
    }

    #[test]
    fn a_snippet_marks_what_was_found_and_escapes_the_rest() {
        assert_eq!(snippet("<b> jose", "A <b> & José's"), "A &lt;<mark>b</mark>&gt; &amp; <mark>José</mark>&#39;s");
        let long = format!("{} needle {}", "hay ".repeat(100), "straw ".repeat(100));
        let shown = snippet("needle", &long);
        assert!(shown.starts_with("…hay") && shown.contains("<mark>needle</mark>") && shown.ends_with('…'), "{shown}");
        assert_eq!(snippet("nothing", "of this"), "of this");
    }

    #[test]
    fn a_snippet_shows_the_phrase_and_marks_nothing_else() {
        let text = format!("In time, the order. {} In the end, it came.", "And so on. ".repeat(50));
        let shown = snippet("\"in the end\"", &text);
        assert!(shown.ends_with("<mark>In</mark> <mark>the</mark> <mark>end</mark>, it came."), "{shown}");
        assert_eq!(shown.matches("<mark>").count(), 3);
    }

    #[test]
    fn a_snippet_shows_where_most_of_what_is_sought_stands_together() {
        let text = format!("A lamp. {} A shade. {} A lamp with a red shade.", "So. ".repeat(99), "So. ".repeat(99));
        let shown = snippet("shade lamp ", &text);
        assert!(shown.ends_with("A <mark>lamp</mark> with a red <mark>shade</mark>."), "{shown}");
        // Of equally good places the first.
        let shown = snippet("lamp ", &text);
        assert!(shown.starts_with("A <mark>lamp</mark>. So."), "{shown}");
    }

    #[test]
    fn a_snippet_marks_letters_of_unspaced_scripts() {
        assert_eq!(snippet("京都 ", "東京都に"), "東<mark>京都</mark>に");
        assert_eq!(snippet("東京都 ", "私は東京都に住む"), "私は<mark>東京都</mark>に住む");
        assert_eq!(snippet("貓", "白貓、貓叫"), "白<mark>貓</mark>、<mark>貓</mark>叫");
        let long = "水".repeat(500) + "火" + &"木".repeat(500);
        let shown = snippet("火木", &long);
        assert!(shown.starts_with("…水") && shown.contains("<mark>火木</mark>木") && shown.ends_with('…'), "{shown}");
    }

    #[test]
    fn a_snippet_marks_as_much_of_a_long_word_as_it_shows() {
        let word = "x".repeat(500);
        let shown = snippet(&word, &format!("a {word} b"));
        assert_eq!(shown, format!("a <mark>{}</mark>…", "x".repeat(SNIPPET - 2)));
    }

    #[test]
    fn a_snippet_of_a_long_text_is_made_at_once() {
        let text = "the lamp and the shade ".repeat(50_000);
        assert!(snippet("\"the shade\" the", &text).contains("<mark>the</mark> <mark>shade</mark>"));
        assert!(snippet("nowhere", &text).starts_with("the lamp"));
    }

    proptest! {
        #[test]
        fn no_text_breaks_out_of_a_snippet(typed in "\\PC{1,20}", text in "[\\PC<>&\"]{0,400}") {
            if let Some(query) = SearchQuery::parse(&typed, Stemmer::of("en")) {
                let snippet = query.snippet(&text).replace("<mark>", "").replace("</mark>", "");
                prop_assert!(!snippet.contains(['<', '>', '"']));
            }
        }

        #[test]
        fn what_is_in_a_text_is_marked(before in "\\PC{0,300}", word in "[\\p{L}\\p{N}]{1,8}", after in "\\PC{0,300}") {
            if let Some(query) = SearchQuery::parse(&format!("\"{word}\""), Stemmer::default()) {
                let snippet = query.snippet(&format!("{before} {word} {after}"));
                prop_assert!(snippet.contains("<mark>"), "{}", snippet);
            }
        }
    }
}

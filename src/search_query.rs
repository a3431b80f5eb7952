//! What a person asks of a text: words, `"exact phrases"`, `-without`, and the last word as far as it is typed.
//!
//! Pure: it is asked of PostgreSQL as a ready `tsquery`, and shown by marking the same words in the text.

use std::collections::{BTreeSet, VecDeque};

use crate::text::{self, Place, Word, stem::Stemmer};

/// Characters of a snippet, and how many of them before the first found word.
const SNIPPET: usize = 180;
const BEFORE: usize = 60;

/// A question, split and folded like the texts it is asked of.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchQuery {
    parts: Vec<Part>,
    stemmer: Stemmer,
}

/// Words that follow one another.
#[derive(Debug, Clone, PartialEq)]
struct Part {
    words: Vec<String>,
    is_excluded: bool,
    /// These words, not others of the same stem, nor others that begin so.
    is_quoted: bool,
    /// The last word may go on.
    is_prefix: bool,
}

impl SearchQuery {
    /// None when there is nothing to look for: signs only, or exclusions only.
    pub fn parse(typed: &str, stemmer: Stemmer) -> Option<Self> {
        let mut parts: Vec<Part> = Vec::new();
        let mut rest = typed.trim_start();
        while !rest.is_empty() {
            let (is_excluded, after_sign) = match rest.strip_prefix('-').map(without_signs) {
                Some(after) if after.starts_with(|letter: char| !letter.is_whitespace()) => (true, after),
                _ => (false, rest),
            };
            let (token, is_quoted, after) = match after_sign.strip_prefix('"') {
                Some(quoted) => match quoted.split_once('"') {
                    Some((token, after)) => (token, true, after),
                    None => (quoted, true, ""),
                },
                None => {
                    let end = after_sign.find(|letter: char| letter.is_whitespace() || letter == '"');
                    let (token, after) = after_sign.split_at(end.unwrap_or(after_sign.len()));
                    (token, false, after)
                }
            };
            let words = text::words(token);
            if !words.is_empty() {
                let is_prefix = !is_quoted && !is_excluded && after.is_empty();
                parts.push(Part { words, is_excluded, is_quoted, is_prefix });
            }
            rest = after.trim_start();
        }
        parts.iter().any(|part| !part.is_excluded).then_some(Self { parts, stemmer })
    }

    /// In PostgreSQL's `tsquery` notation. Words hold letters, digits and marks only, so nothing has to be escaped.
    pub fn tsquery(&self) -> String {
        let parts: Vec<String> = self.parts.iter().map(|part| self.tsquery_of(part)).collect();
        parts.join(" & ")
    }

    /// Each part that must be found, as a `tsquery` of its own, and whether it is the beginning of a word.
    pub fn required(&self) -> impl Iterator<Item = (String, bool)> {
        self.sought().map(|part| (self.tsquery_of(part), part.is_prefix))
    }

    fn sought(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(|part| !part.is_excluded)
    }

    /// The words to be found, for what knows neither phrases nor exclusions.
    pub fn words(&self) -> Vec<String> {
        self.sought().flat_map(|part| part.words.iter().cloned()).collect()
    }

    /// Whether it is of plain words only.
    pub fn is_plain(&self) -> bool {
        self.parts.iter().all(|part| !part.is_excluded && !part.is_quoted)
    }

    /// Whether one of these texts, in which the words were found, has what is quoted, and none what is excluded.
    pub fn allows(&self, texts: &[&str]) -> bool {
        let has = |part| texts.iter().any(|text| self.places(vec![part], text).next().is_some());
        self.parts.iter().all(|part| if part.is_excluded { !has(part) } else { !part.is_quoted || has(part) })
    }

    /// The same words, each of which may go on.
    pub fn beginnings(&self) -> Self {
        self.apart(|_| true)
    }

    /// Each word for itself.
    fn apart(&self, is_prefix: impl Fn(&Part) -> bool) -> Self {
        let words_of = |part: &Part| {
            let (is_prefix, words) = (is_prefix(part), part.words.clone());
            words.into_iter().map(move |word| Part {
                words: vec![word],
                is_excluded: false,
                is_quoted: true,
                is_prefix,
            })
        };
        Self { parts: self.sought().flat_map(words_of).collect(), stemmer: self.stemmer }
    }

    fn tsquery_of(&self, part: &Part) -> String {
        let last = part.words.len().saturating_sub(1);
        let goes_on = |index: usize, word: &str| {
            let is_prefix = part.is_prefix && index == last;
            if is_prefix || text::is_lone_letter(word) { ":*" } else { "" }
        };
        let words: Vec<String> =
            part.words.iter().enumerate().map(|(index, word)| format!("'{word}'{}", goes_on(index, word))).collect();
        let pairs: Vec<Pair> = (1..)
            .zip(words.windows(2).zip(part.words.windows(2)))
            .map(|(index, (words, pair))| {
                let goes_on = pair.last().map_or("", |word| goes_on(index, word));
                Pair { kept: format!("{}'{goes_on}", pair.join(" ")), words: words.join(" <-> ") }
            })
            .collect();
        let sought = match pairs.as_slice() {
            [] => words.iter().cloned().chain(self.stems(part)).collect::<Vec<String>>().join(" | "),
            [pair] => pair.anywhere(),
            pairs => {
                let joined = |of: fn(&Pair) -> String, sign| pairs.iter().map(of).collect::<Vec<String>>().join(sign);
                let (together, apart) = (joined(Pair::in_place, " <0> "), joined(Pair::anywhere, " & "));
                format!("{together} | ({}) & {apart}", joined(Pair::is_everywhere, " | "))
            }
        };
        format!("{}({sought})", if part.is_excluded { "!" } else { "" })
    }

    /// What else a text may have in place of a plain word: another with its stem, or the stem itself where it is a word.
    fn stems(&self, part: &Part) -> Vec<String> {
        let Some((word, stem)) = self.stem(part) else { return Vec::new() };
        let is_word = stem != *word && self.stemmer.stem(&stem).as_ref() == Some(&stem);
        let as_word = is_word.then(|| format!("'{stem}'"));
        [Some(format!("'~{stem}'")), as_word].into_iter().flatten().collect()
    }

    /// A plain word, and its stem.
    fn stem<'p>(&self, part: &'p Part) -> Option<(&'p String, String)> {
        match part.words.as_slice() {
            [word] if !part.is_quoted => Some((word, self.stemmer.stem(word)?)),
            _ => None,
        }
    }

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
        for found in self.places(sought.clone(), text) {
            // Nothing can be better, and nothing more is shown.
            if score == (all, sought.len()) && found.start >= best_end {
                break;
            }
            best.marks.extend(&found.marks);
            let end = found.end;
            near.push_back(found);
            while near.len() > 1
                && near.front().is_some_and(|first| end > end_of_piece(text, before(text, first.start)))
            {
                near.pop_front();
            }
            let parts: BTreeSet<usize> = near.iter().map(|found| found.part).collect();
            let fit = (parts.iter().filter(|part| is_phrase(part)).count(), parts.len());
            if let Some(first) = near.front().filter(|_| fit > score) {
                score = fit;
                best.start = before(text, first.start);
                best_end = end_of_piece(text, best.start);
            }
        }
        (score.1 > 0).then_some(best)
    }

    /// Where these parts are in a text, as they end.
    fn places<'q>(&'q self, parts: Vec<&'q Part>, text: &'q str) -> impl Iterator<Item = Found> + 'q {
        let longest = parts.iter().map(|part| part.words.len()).max().unwrap_or_default();
        let parts: Vec<(&Part, Option<String>)> =
            parts.into_iter().map(|part| (part, self.stem(part).map(|(_, stem)| stem))).collect();
        let mut recent: VecDeque<Word<Place>> = VecDeque::with_capacity(longest + 1);
        text::placed_words(text).flat_map(move |word| {
            recent.push_back(word);
            if recent.len() > longest {
                recent.pop_front();
            }
            let found = parts.iter().enumerate().filter_map(|(index, (part, stem))| {
                let from = recent.len().checked_sub(part.words.len())?;
                let marks: Vec<Vec<Place>> = (0..)
                    .zip(recent.range(from..))
                    .map(|(index, word)| self.marks(part, stem.as_ref(), index, word))
                    .collect::<Option<_>>()?;
                let marks = marks.concat();
                let (start, end) = (marks.first()?.start, marks.last()?.end);
                Some(Found { part: index, start, end, marks })
            });
            found.collect::<Vec<Found>>()
        })
    }

    /// What of a word is to be marked as the word of a part at `index`; None where it is another.
    fn marks(&self, part: &Part, stem: Option<&String>, index: usize, word: &Word<Place>) -> Option<Vec<Place>> {
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
        let has_stem = || stem.is_some_and(|stem| self.stemmer.stem(&word.text).as_ref() == Some(stem));
        (is_found || has_stem()).then(|| vec![Place { start: word.first.start, end: word.last.end }])
    }
}

/// Two words of a phrase: as a text with many words keeps the pair, and as others keep the words.
struct Pair {
    kept: String,
    words: String,
}

impl Pair {
    fn anywhere(&self) -> String {
        format!("('{} | {})", self.kept, self.words)
    }

    /// A pair is kept in the place of the first word; followed by whatever it is, it ends where the second does.
    fn in_place(&self) -> String {
        format!("('{} <-> !'@' | {})", self.kept, self.words)
    }

    /// Not all of its places are kept.
    fn is_everywhere(&self) -> String {
        format!("'@{}", self.kept)
    }
}

/// Without what stands before a word or a phrase.
fn without_signs(typed: &str) -> &str {
    typed.trim_start_matches(|letter: char| !letter.is_alphanumeric() && !letter.is_whitespace() && letter != '"')
}

/// Where a part of a question is in a text: bytes.
struct Found {
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
    use super::*;
    use proptest::prelude::*;

    fn tsquery(typed: &str) -> String {
        SearchQuery::parse(typed, Stemmer::default()).unwrap().tsquery()
    }

    #[test]
    fn words_phrases_exclusions_and_the_last_word_as_typed() {
        assert_eq!(tsquery("late Deliv"), "('late') & ('deliv':*)");
        assert_eq!(tsquery("late deliv "), "('late') & ('deliv')");
        assert_eq!(tsquery("\"late delivery\""), "(('late delivery' | 'late' <-> 'delivery'))");
        assert_eq!(
            tsquery("\"a b c\""),
            "(('a b' <-> !'@' | 'a' <-> 'b') <0> ('b c' <-> !'@' | 'b' <-> 'c') \
             | ('@a b' | '@b c') & ('a b' | 'a' <-> 'b') & ('b c' | 'b' <-> 'c'))"
        );
        assert_eq!(tsquery("order -refund"), "('order') & !('refund')");
        assert_eq!(tsquery("R-2024 x"), "(('r 2024' | 'r' <-> '2024')) & ('x':*)");
        assert_eq!(tsquery("R-20"), "(('r 20':* | 'r' <-> '20':*))");
        assert_eq!(tsquery("東京都 "), "(('東京 京都' | '東京' <-> '京都'))");
        assert_eq!(tsquery("\"貓\" -白"), "('貓':*) & !('白':*)");
        assert_eq!(SearchQuery::parse("  -- \"\" ", Stemmer::default()), None);
        assert_eq!(SearchQuery::parse("-only", Stemmer::default()), None);
    }

    #[test]
    fn signs_before_an_excluded_word_dont_make_it_wanted() {
        for typed in ["cake -cream", "cake -(cream)", "cake -#cream", "cake --cream", "-\u{201e}cream\u{201d} cake "] {
            let with_prefix = tsquery(typed).replace(":*", "");
            assert!(with_prefix.contains("!('cream')") && with_prefix.contains("('cake')"), "{typed}: {with_prefix}");
        }
        assert_eq!(tsquery("cake -(\"a b\")"), "('cake') & !(('a b' | 'a' <-> 'b'))");
        assert_eq!(tsquery("cake - cream "), "('cake') & ('cream')");
    }

    #[test]
    fn every_word_that_is_typed_counts() {
        let typed: Vec<String> = (0..100).map(|number| number.to_string()).collect();
        assert_eq!(tsquery(&(typed.join(" ") + " ")).matches(" & ").count(), 99);
    }

    #[test]
    fn a_plain_word_is_found_by_its_stem_and_a_quoted_one_is_not() {
        let english = |typed| SearchQuery::parse(typed, Stemmer::of("en")).unwrap();
        assert_eq!(english("deliveries ").tsquery(), "('deliveries' | '~deliveri' | 'deliveri')");
        assert_eq!(english("walked ").tsquery(), "('walked' | '~walk' | 'walk')");
        assert_eq!(english("\"walked\" -walking").tsquery(), "('walked') & !('walking' | '~walk' | 'walk')");
        assert_eq!(
            english("walked ").snippet("He walks; \"walked\""),
            "He <mark>walks</mark>; &quot;<mark>walked</mark>&quot;"
        );
    }

    #[test]
    fn what_is_quoted_must_be_in_one_text_and_what_is_excluded_in_none() {
        let query = SearchQuery::parse("a \"b c\" -d -\"e f\"", Stemmer::of("en")).unwrap();
        assert!(query.allows(&["x", "B, c: f e"]));
        for texts in [["b", "c"], ["b c", "d"], ["b c", "e f"]] {
            assert!(!query.allows(&texts), "{texts:?}");
        }
    }

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

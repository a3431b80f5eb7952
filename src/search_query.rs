//! What a person asks of a text: words, `"exact phrases"`, `-without`, and the last word as far as it is typed.
//!
//! Pure: it is asked of PostgreSQL as a ready `tsquery`, and shown by marking the same words in the text.

use crate::text::{self, stem::Stemmer};

/// What vectors have of texts with more words than PostgreSQL keeps places of: neighbours stand there as pairs, too.
pub const LONG: &str = "@long";
/// More parts of a question than this are left out.
const MAX_PARTS: usize = 16;
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
    /// These words, not others of the same stem.
    is_exact: bool,
    /// The last word may go on.
    is_prefix: bool,
}

impl SearchQuery {
    /// None when there is nothing to look for: signs only, or exclusions only.
    pub fn parse(typed: &str, stemmer: Stemmer) -> Option<Self> {
        let mut parts: Vec<Part> = Vec::new();
        let mut rest = typed.trim_start();
        while !rest.is_empty() && parts.len() < MAX_PARTS {
            let (is_excluded, after_sign) = match rest.strip_prefix('-') {
                Some(after) if after.starts_with(|letter: char| letter == '"' || letter.is_alphanumeric()) => {
                    (true, after)
                }
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
                let is_exact = is_quoted || words.len() > 1;
                parts.push(Part { words, is_excluded, is_exact, is_prefix });
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
        let required = self.parts.iter().filter(|part| !part.is_excluded);
        required.map(|part| (self.tsquery_of(part), part.is_prefix))
    }

    /// The words to be found, for what knows neither phrases nor exclusions.
    pub fn words(&self) -> Vec<String> {
        self.parts.iter().filter(|part| !part.is_excluded).flat_map(|part| part.words.iter().cloned()).collect()
    }

    /// Whether this text has something that must not be there.
    pub fn excludes(&self, text: &str) -> bool {
        let words = text::words(text);
        self.parts.iter().filter(|part| part.is_excluded).any(|part| {
            words
                .windows(part.words.len())
                .any(|some| some.iter().zip(&part.words).all(|(word, sought)| word == sought))
        })
    }

    /// Whether it is of plain words only.
    pub fn is_plain(&self) -> bool {
        self.parts.iter().all(|part| !part.is_excluded && !part.is_exact)
    }

    /// The same words, each of which may go on.
    pub fn beginnings(&self) -> Self {
        let part = |word| Part { words: vec![word], is_excluded: false, is_exact: true, is_prefix: true };
        Self { parts: self.words().into_iter().map(part).collect(), stemmer: self.stemmer }
    }

    fn tsquery_of(&self, part: &Part) -> String {
        let last = part.words.len().saturating_sub(1);
        let word = |(index, word): (usize, &String)| {
            let prefix = if part.is_prefix && index == last { ":*" } else { "" };
            format!("'{word}'{prefix}")
        };
        let words: Vec<String> = part.words.iter().enumerate().map(word).collect();
        let mut sought = words.join(" <-> ");
        if words.len() > 1 {
            let pairs = words.windows(2).zip(part.words.windows(2)).enumerate().map(|(index, (quoted, pair))| {
                let prefix = if part.is_prefix && index + 1 == last { ":*" } else { "" };
                format!(" & ('{}'{prefix} | {})", pair.join(" "), quoted.join(" <-> "))
            });
            sought = format!("{sought} | '{LONG}'{}", pairs.collect::<String>());
        }
        for stem in self.stems(part) {
            sought.push_str(&format!(" | '{stem}'"));
        }
        format!("{}({sought})", if part.is_excluded { "!" } else { "" })
    }

    /// What else a text may have in place of a plain word: another with its stem, or the stem itself where it is a word.
    fn stems(&self, part: &Part) -> Vec<String> {
        let stem =
            part.words.first().filter(|_| !part.is_exact).and_then(|word| Some((word, self.stemmer.stem(word)?)));
        let Some((word, stem)) = stem else { return Vec::new() };
        let is_word = stem != *word && self.stemmer.stem(&stem).as_ref() == Some(&stem);
        let as_word = is_word.then(|| stem.clone());
        [Some(format!("~{stem}")), as_word].into_iter().flatten().collect()
    }

    /// A piece of `text` around what was found, safe to put into a page: HTML-escaped, with `<mark>` around each
    /// found word and nothing else added.
    pub fn snippet(&self, text: &str) -> String {
        let runs = runs(text);
        let is_found = |run: &Run| self.finds(&text::words(run.text));
        let first = runs.iter().find(|run| is_found(run)).map_or(0, |run| run.start);
        let start = start_of_word(text, first.saturating_sub(BEFORE), first);
        let end = start + SNIPPET;
        let mut snippet = String::new();
        if start > 0 {
            snippet.push('…');
        }
        let mut at = start;
        for run in runs.iter().filter(|run| run.start >= start && run.end() <= end && is_found(run)) {
            push_escaped(&mut snippet, text.chars().skip(at).take(run.start - at));
            snippet.push_str("<mark>");
            push_escaped(&mut snippet, run.text.chars());
            snippet.push_str("</mark>");
            at = run.end();
        }
        push_escaped(&mut snippet, text.chars().skip(at).take(end.saturating_sub(at)));
        if text.chars().nth(end).is_some() {
            snippet.push('…');
        }
        snippet
    }

    fn finds(&self, words: &[String]) -> bool {
        self.parts.iter().filter(|part| !part.is_excluded).any(|part| {
            let last = part.words.len().saturating_sub(1);
            let stem = part.words.first().filter(|_| !part.is_exact).and_then(|word| self.stemmer.stem(word));
            part.words.iter().enumerate().any(|(index, sought)| {
                words.iter().any(|word| match part.is_prefix && index == last {
                    true => word.starts_with(sought.as_str()),
                    false => word == sought,
                })
            }) || stem.is_some_and(|stem| words.iter().any(|word| self.stemmer.stem(word).as_ref() == Some(&stem)))
        })
    }
}

/// A run of letters and digits, by its place in characters; in scripts without spaces each character is one.
struct Run<'t> {
    text: &'t str,
    start: usize,
    length: usize,
}

impl Run<'_> {
    fn end(&self) -> usize {
        self.start + self.length
    }
}

fn runs(text: &str) -> Vec<Run<'_>> {
    let mut runs: Vec<Run<'_>> = Vec::new();
    let mut begun: Option<(usize, usize)> = None;
    for (place, (byte, letter)) in text.char_indices().chain([(text.len(), ' ')]).enumerate() {
        let is_part = letter.is_alphanumeric() || unicode_normalization::char::is_combining_mark(letter);
        match begun {
            None if is_part => begun = Some((byte, place)),
            Some((from, start)) if !is_part => {
                if let Some(run) = text.get(from..byte) {
                    runs.push(Run { text: run, start, length: place - start });
                }
                begun = None;
            }
            _ => {}
        }
    }
    runs
}

/// The first place from `from` on that follows white space, and is before `limit`.
fn start_of_word(text: &str, from: usize, limit: usize) -> usize {
    if from == 0 {
        return 0;
    }
    let space = text.chars().skip(from).take(limit - from).position(char::is_whitespace);
    space.map_or(from, |space| from + space + 1)
}

/// Escapes, and makes one space of all white space between words.
fn push_escaped(html: &mut String, letters: impl Iterator<Item = char>) {
    for letter in letters {
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
        assert_eq!(
            tsquery("\"late delivery\""),
            "('late' <-> 'delivery' | '@long' & ('late delivery' | 'late' <-> 'delivery'))"
        );
        assert_eq!(tsquery("order -refund"), "('order') & !('refund')");
        assert_eq!(tsquery("R-2024 x"), "('r' <-> '2024' | '@long' & ('r 2024' | 'r' <-> '2024')) & ('x':*)");
        assert_eq!(tsquery("東京都 "), "('東京' <-> '京都' | '@long' & ('東京 京都' | '東京' <-> '京都'))");
        assert_eq!(SearchQuery::parse("  -- \"\" ", Stemmer::default()), None);
        assert_eq!(SearchQuery::parse("-only", Stemmer::default()), None);
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
        assert!(english("a -\"b c\"").excludes("A b, c") && !english("a -\"b c\"").excludes("b"));
    }

    #[test]
    fn a_snippet_marks_what_was_found_and_escapes_the_rest() {
        let query = SearchQuery::parse("<b> jose", Stemmer::default()).unwrap();
        assert_eq!(query.snippet("A <b> & José's"), "A &lt;<mark>b</mark>&gt; &amp; <mark>José</mark>&#39;s");
        let long = format!("{} needle {}", "hay ".repeat(100), "straw ".repeat(100));
        let snippet = SearchQuery::parse("needle", Stemmer::default()).unwrap().snippet(&long);
        assert!(
            snippet.starts_with("…hay") && snippet.contains("<mark>needle</mark>") && snippet.ends_with('…'),
            "{snippet}"
        );
    }

    proptest! {
        #[test]
        fn no_text_breaks_out_of_a_snippet(typed in "\\PC{1,20}", text in "[\\PC<>&\"]{0,400}") {
            if let Some(query) = SearchQuery::parse(&typed, Stemmer::of("en")) {
                let snippet = query.snippet(&text).replace("<mark>", "").replace("</mark>", "");
                prop_assert!(!snippet.contains(['<', '>', '"']));
            }
        }
    }
}

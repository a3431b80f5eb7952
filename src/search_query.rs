//! What a person asks of a text: words, `"exact phrases"`, `-without`, and the last word as far as it is typed.
//!
//! Pure: it is asked of PostgreSQL as a ready `tsquery`, and shown by marking the same words in the text.

mod snippet;

use crate::text::{self, Place, Word, stem::Stemmer};

/// What vectors say of texts with more pairs of neighbours than there is room for: phrases are found there by their words.
pub const CROWDED: &str = "@+";

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
    /// Of a plain word: by which others with its stem are found.
    stems: Vec<String>,
    is_excluded: bool,
    /// These words, not others of the same stem, nor others that begin so.
    is_quoted: bool,
    /// The last word may go on.
    is_prefix: bool,
}

impl SearchQuery {
    /// None when there is nothing to look for: signs only, or exclusions only.
    pub fn parse(typed: &str, stemmer: Stemmer) -> Option<Self> {
        // Telephones turn quotation marks as they are typed.
        let typed = typed.replace(['“', '”', '„', '‟', '«', '»', '「', '」'], "\"");
        let mut parts: Vec<Part> = Vec::new();
        let mut rest = typed.trim_start();
        while !rest.is_empty() {
            let (is_excluded, after_sign) = match rest.strip_prefix('-').map(without_signs) {
                Some(after) if after.starts_with(|letter: char| !letter.is_whitespace()) => (true, after),
                _ => (false, rest),
            };
            let (token, is_quoted, is_ended, after) = match after_sign.strip_prefix('"') {
                Some(quoted) => match quoted.split_once('"') {
                    Some((token, after)) => (token, true, true, after),
                    None => (quoted, true, false, ""),
                },
                None => {
                    let end = after_sign.find(|letter: char| letter.is_whitespace() || letter == '"');
                    let (token, after) = after_sign.split_at(end.unwrap_or(after_sign.len()));
                    (token, false, !after.is_empty(), after)
                }
            };
            let words: Vec<Word<Place>> = text::placed_words(token).collect();
            if let Some(last) = words.last() {
                let is_typed_on = !is_ended && !is_excluded && !token.ends_with(char::is_whitespace);
                let is_prefix = is_typed_on || (!is_quoted && text::takes_particles(&last.text));
                let stems = match words.as_slice() {
                    [word] if !is_quoted => stemmer.stems(word.written(token), &word.text),
                    _ => Vec::new(),
                };
                let words = words.into_iter().map(|word| word.text).collect();
                parts.push(Part { words, stems, is_excluded, is_quoted, is_prefix });
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

    /// The same with the last word as it is typed, neither as the beginning of others nor by its stem.
    pub fn whole(&self) -> Self {
        let mut whole = self.clone();
        for part in whole.parts.iter_mut().filter(|part| part.is_prefix) {
            part.is_prefix = part.words.last().is_some_and(|last| text::takes_particles(last));
            part.stems.clear();
        }
        whole
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
                stems: Vec::new(),
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
                Pair { pair: pair.join(" "), goes_on, words: words.join(" <-> ") }
            })
            .collect();
        let sought = match pairs.as_slice() {
            [] => words.iter().cloned().chain(self.stems(part)).collect::<Vec<String>>().join(" | "),
            [pair] => format!("{} | '{CROWDED}' & {}", pair.anywhere(), words.join(" & ")),
            pairs => {
                let joined = |of: fn(&Pair) -> String, sign| pairs.iter().map(of).collect::<Vec<String>>().join(sign);
                let (together, apart) = (joined(Pair::in_place, " <0> "), joined(Pair::anywhere, " & "));
                let too_often = joined(Pair::too_often, " | ");
                format!("{together} | ({too_often}) & {apart} | '{CROWDED}' & {}", words.join(" & "))
            }
        };
        format!("{}({sought})", if part.is_excluded { "!" } else { "" })
    }

    /// What else a text may have in place of a plain word: another with its stem, or the stem itself where it is a word.
    fn stems(&self, part: &Part) -> Vec<String> {
        let words = part
            .stems
            .iter()
            .filter(|stem| !part.words.contains(stem) && self.stemmer.stems(stem, stem).first() == Some(stem));
        part.stems.iter().map(|stem| format!("'~{stem}'")).chain(words.map(|stem| format!("'{stem}'"))).collect()
    }
}

/// Two words of a phrase: a text with many words keeps the pair, others the words.
struct Pair {
    pair: String,
    goes_on: &'static str,
    words: String,
}

impl Pair {
    fn anywhere(&self) -> String {
        format!("('{}'{} | {})", self.pair, self.goes_on, self.words)
    }

    /// A pair is kept in the place of the first word; followed by whatever it is, it ends where the second does.
    fn in_place(&self) -> String {
        format!("('{}'{} <-> !'@' | {})", self.pair, self.goes_on, self.words)
    }

    /// Not all of its places are kept.
    fn too_often(&self) -> String {
        format!("'@{}'{}", self.pair, self.goes_on)
    }
}

/// Without what stands before a word or a phrase.
fn without_signs(typed: &str) -> &str {
    typed.trim_start_matches(|letter: char| !letter.is_alphanumeric() && !letter.is_whitespace() && letter != '"')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tsquery(typed: &str) -> String {
        SearchQuery::parse(typed, Stemmer::default()).unwrap().tsquery()
    }

    #[test]
    fn words_phrases_exclusions_and_the_last_word_as_typed() {
        assert_eq!(tsquery("late Deliv"), "('late') & ('deliv':*)");
        assert_eq!(tsquery("late deliv "), "('late') & ('deliv')");
        assert_eq!(
            tsquery("\"late delivery\""),
            "(('late delivery' | 'late' <-> 'delivery') | '@+' & 'late' & 'delivery')"
        );
        assert_eq!(
            tsquery("\"a b c\""),
            "(('a b' <-> !'@' | 'a' <-> 'b') <0> ('b c' <-> !'@' | 'b' <-> 'c') \
             | ('@a b' | '@b c') & ('a b' | 'a' <-> 'b') & ('b c' | 'b' <-> 'c') | '@+' & 'a' & 'b' & 'c')"
        );
        assert_eq!(tsquery("order -refund"), "('order') & !('refund')");
        assert_eq!(tsquery("R-2024 x"), "(('r 2024' | 'r' <-> '2024') | '@+' & 'r' & '2024') & ('x':*)");
        assert_eq!(tsquery("R-20"), "(('r 20':* | 'r' <-> '20':*) | '@+' & 'r' & '20':*)");
        assert_eq!(tsquery("東京都 "), "(('東京 京都' | '東京' <-> '京都') | '@+' & '東京' & '京都')");
        assert_eq!(tsquery("\"貓\" -白"), "('貓':*) & !('白':*)");
        assert_eq!(tsquery("\"late deliv"), tsquery("\"late deliv\"").replace("deliv'", "deliv':*"));
        assert_eq!(tsquery("“late deliv„ x "), tsquery("\"late deliv\" x "));
        assert_eq!(tsquery("주문 -취소 x "), "('주문':*) & !('취소':*) & ('x')");
        assert_eq!(SearchQuery::parse("  -- \"\" ", Stemmer::default()), None);
        assert_eq!(SearchQuery::parse("-only", Stemmer::default()), None);
    }

    #[test]
    fn signs_before_an_excluded_word_dont_make_it_wanted() {
        for typed in ["cake -cream", "cake -(cream)", "cake -#cream", "cake --cream", "-“cream” cake "] {
            let with_prefix = tsquery(typed).replace(":*", "");
            assert!(with_prefix.contains("!('cream')") && with_prefix.contains("('cake')"), "{typed}: {with_prefix}");
        }
        assert_eq!(tsquery("cake -(\"a b\")"), "('cake') & !(('a b' | 'a' <-> 'b') | '@+' & 'a' & 'b')");
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
}

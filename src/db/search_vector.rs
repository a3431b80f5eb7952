//! Words as PostgreSQL indexes them: its own parser never sees the text.

use std::collections::BTreeMap;
use std::io::Write;

use diesel::AsExpression;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::serialize::{self, IsNull, Output, ToSql};

use super::schema::organizations;
use super::types::Tsvector;
use crate::error::Result;
use crate::ids::OrganizationId;
use crate::search_query::CROWDED;
use crate::text::{self, stem::Stemmer, written};

/// How a vector is made; raised with what it holds, so that older rows are indexed again.
pub const EDITION: i16 = 2;

/// PostgreSQL keeps at most this many places of a word, and none above [`MAX_POSITION`].
const MAX_POSITIONS: usize = 255;
const MAX_POSITION: usize = (1 << 14) - 1;
/// Where no word or pair stands, nor before it: the place of words that come later. One without any would keep phrases
/// with it from being found by pairs.
const LATER: usize = MAX_POSITION;
/// Behind so many words the places of pairs begin again, and the first ones of each round stand behind the round before
/// as well: no phrase that can be asked for has more words.
const ROUND: usize = LATER - 2 - OVERLAP;
const OVERLAP: usize = 200;
/// A stem only weighs; phrases are made of words.
const MAX_STEM_POSITIONS: usize = 4;
/// A vector above 1 MiB is an error. Words have room of their own, so that no pairs take it.
const MAX_BYTES: usize = 512 * 1024;
const MAX_PAIR_BYTES: usize = 448 * 1024;
/// A longer word is an error.
const MAX_WORD_BYTES: usize = 2000;
/// What stands further on in a text isn't found; nor would there be room for its words.
const MAX_CHARS: usize = 500_000;

/// How much a word counts where the best is sought: PostgreSQL's A, B and D.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum Weight {
    /// What something is called.
    Title = 3 << 14,
    /// What somebody wrote.
    Written = 2 << 14,
    /// What was quoted, or stands in a signature.
    Quoted = 0,
}

/// The words of a text, each with its places; the stems of those that have another (`~stem`); and the organization
/// (`@…`), so that the index itself leaves out what others have. No word begins with either sign. Of an unspaced stretch
/// the last letter is kept, too: every other one begins a pair. Where a text has more words than PostgreSQL keeps places
/// of, neighbours are kept as pairs (`a b`) in the place of the first, and pairs that have too many places, too, are marked
/// (`@a b`), as is a text with more pairs than there is room for ([`CROWDED`]).
#[derive(Debug, Clone, PartialEq, AsExpression)]
#[diesel(sql_type = Tsvector)]
pub struct SearchVector {
    places: BTreeMap<String, Vec<u16>>,
    stemmer: Stemmer,
    bytes: usize,
    pair_bytes: usize,
    /// Where the last word stands; which it is, and whether its place was kept.
    last: usize,
    before: Option<(String, bool)>,
}

/// By which a vector tells whose it is. Where two organizations share one, their own columns tell them apart.
pub fn owner(organization: OrganizationId) -> String {
    let id = organization.0.simple().to_string();
    format!("@{}", id.get(20..).unwrap_or_default())
}

/// Of the language that the organization writes.
pub fn stemmer(conn: &mut PgConnection, organization: OrganizationId) -> Result<Stemmer> {
    let language: String = organizations::table.find(organization).select(organizations::language).first(conn)?;
    Ok(Stemmer::of(&language))
}

impl SearchVector {
    pub fn new(organization: OrganizationId, stemmer: Stemmer) -> Self {
        let places = BTreeMap::from([(owner(organization), Vec::new())]);
        Self { places, stemmer, bytes: 0, pair_bytes: 0, last: 0, before: None }
    }

    /// A text behind those before; no phrase goes from one into the other. What doesn't fit is not searchable.
    pub fn with(mut self, text: &str, weight: Weight) -> Self {
        (self.last, self.before) = (self.last + 1, None);
        self.add(text::truncate(text, MAX_CHARS), weight);
        self
    }

    /// A mail's body: what it quotes weighs less.
    pub fn with_body(mut self, body: &str) -> Self {
        (self.last, self.before) = (self.last + 1, None);
        for piece in written::pieces(text::truncate(body, MAX_CHARS)) {
            self.add(piece.text, if piece.is_written { Weight::Written } else { Weight::Quoted });
        }
        self
    }

    fn add(&mut self, text: &str, weight: Weight) {
        for placed in text::placed_words(text) {
            let stems = self.stemmer.stems(placed.written(text), &placed.text);
            let text::Word { text: word, tail, .. } = placed;
            self.last += 1;
            if word.len() > MAX_WORD_BYTES {
                self.before = None;
                continue;
            }
            let is_placed = self.put(&word, self.last, weight, MAX_POSITIONS);
            if let Some(tail) = tail {
                self.put(&tail.to_string(), self.last, weight, MAX_POSITIONS);
            }
            // A word that is its own stem is found as it is.
            for stem in stems.iter().filter(|_| stems != [word.as_str()]) {
                self.put(&format!("~{stem}"), self.last, weight, MAX_STEM_POSITIONS);
            }
            if let Some((before, was_placed)) = self.before.take()
                && !(is_placed && was_placed && self.last <= ROUND)
            {
                self.put_pair(&format!("{before} {word}"), self.last - 2, weight);
            }
            self.before = Some((word, is_placed));
        }
    }

    /// Two neighbours, of which the first has so many words before it.
    fn put_pair(&mut self, pair: &str, before: usize, weight: Weight) {
        let place = before % ROUND + 1;
        let again = (before >= ROUND && place <= OVERLAP).then_some(place + ROUND);
        for place in [place].into_iter().chain(again) {
            let bytes = self.bytes_of(pair);
            if self.pair_bytes + bytes > MAX_PAIR_BYTES {
                self.places.entry(CROWDED.to_owned()).or_default();
                continue;
            }
            self.pair_bytes += bytes;
            if self.places.get(pair).is_some_and(|places| places.len() >= MAX_POSITIONS) {
                self.places.entry(format!("@{pair}")).or_default();
            } else {
                self.keep(pair, place, weight);
            }
        }
    }

    /// Whether the place where the word stands was kept.
    fn put(&mut self, word: &str, place: usize, weight: Weight, most: usize) -> bool {
        let bytes = self.bytes_of(word);
        let places = self.places.get(word).map_or(0, Vec::len);
        if self.bytes + bytes > MAX_BYTES || places >= most {
            return false;
        }
        let is_later = place > LATER - 2;
        if !is_later || places == 0 {
            self.bytes += bytes;
            self.keep(word, if is_later { LATER } else { place }, weight);
        }
        !is_later
    }

    /// What a place of a word takes, as PostgreSQL keeps it; with a sign before the word, if it is a new one.
    fn bytes_of(&self, word: &str) -> usize {
        if self.places.contains_key(word) { 2 } else { word.len() + 8 }
    }

    fn keep(&mut self, word: &str, place: usize, weight: Weight) {
        let place = u16::try_from(place).unwrap_or_default();
        let places = self.places.entry(word.to_owned()).or_default();
        if let Err(at) = places.binary_search_by_key(&place, |held| held & MAX_POSITION as u16) {
            places.insert(at, place | weight as u16);
        }
    }
}

/// The binary form that `tsvectorrecv` reads: a count, then each word with its places, whose upper two bits weigh.
impl ToSql<Tsvector, Pg> for SearchVector {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(&u32::try_from(self.places.len())?.to_be_bytes())?;
        for (word, places) in &self.places {
            out.write_all(word.as_bytes())?;
            out.write_all(&[0])?;
            out.write_all(&u16::try_from(places.len())?.to_be_bytes())?;
            for place in places {
                out.write_all(&place.to_be_bytes())?;
            }
        }
        Ok(IsNull::No)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_places_weights_and_stems() {
        let organization = OrganizationId::new();
        let vector = SearchVector::new(organization, Stemmer::of("en"));
        let vector = vector.with("Lamps", Weight::Title).with_body("lamps\n> Lamps broke");
        assert_eq!(vector.places.get("lamps"), Some(&vec![(3 << 14) | 2, (2 << 14) | 4, 5]));
        assert_eq!(vector.places.get("~lamp"), vector.places.get("lamps"));
        assert_eq!(vector.places.get("broke"), Some(&vec![6]));
        assert_eq!(vector.places.get(&owner(organization)), Some(&Vec::new()));
        assert_eq!(vector.places.len(), 4);
    }

    #[test]
    fn of_long_texts_neighbours_are_kept_in_the_place_of_the_first() {
        let text = "the lamp ".repeat(300) + "the shade";
        let vector = SearchVector::new(OrganizationId::new(), Stemmer::default()).with(&text, Weight::Quoted);
        assert_eq!(vector.places.get("the").map(Vec::len), Some(MAX_POSITIONS));
        assert_eq!(vector.places.get("the shade"), Some(&vec![602]));
        assert!(vector.places.contains_key("lamp the") && !vector.places.contains_key("@lamp the"));
    }

    #[test]
    fn a_text_says_when_not_all_places_are_kept() {
        let text = "the lamp ".repeat(600) + "the shade";
        let vector = SearchVector::new(OrganizationId::new(), Stemmer::default()).with(&text, Weight::Quoted);
        assert!(vector.places.contains_key("@lamp the") && !vector.places.contains_key("@the shade"));
    }

    #[test]
    fn places_of_pairs_begin_again() {
        let text = "lamp ".repeat(ROUND - 1) + "a b c" + &" lamp".repeat(300) + " d e";
        let vector = SearchVector::new(OrganizationId::new(), Stemmer::default()).with(&text, Weight::Quoted);
        let places = |pair| vector.places.get(pair).cloned().unwrap_or_default();
        let round = ROUND as u16;
        // One place is left before the text.
        assert_eq!(
            (places("lamp a"), places("a b"), places("b c")),
            (vec![round], vec![1, 1 + round], vec![2, 2 + round])
        );
        assert_eq!(places("d e"), [304]);
    }

    #[test]
    fn the_last_letter_of_an_unspaced_stretch_is_kept() {
        let vector = SearchVector::new(OrganizationId::new(), Stemmer::default()).with("白貓 x", Weight::Quoted);
        assert_eq!(vector.places.get("白貓"), Some(&vec![2]));
        assert_eq!(vector.places.get("貓"), Some(&vec![2]));
        assert_eq!(vector.places.get("x"), Some(&vec![3]));
    }

    #[test]
    fn what_doesnt_fit_is_left_out() {
        let words: String = (0..200_000).map(|number| format!("{number} ")).collect();
        let vector = SearchVector::new(OrganizationId::new(), Stemmer::default()).with(&words, Weight::Written);
        assert!(vector.bytes <= MAX_BYTES && vector.places.len() > 30_000);
        assert!(vector.pair_bytes <= MAX_PAIR_BYTES && vector.places.contains_key(CROWDED));
    }
}

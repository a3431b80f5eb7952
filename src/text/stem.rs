//! Words without their endings, in the language that an organization writes: `deliveries` and `delivered` are one.

use snowball_stemmers_rs::{Algorithm, Stemmer as Snowball};

use crate::text;

/// The Snowball algorithm of a language; of a language that has none, words have no stem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stemmer(Option<Algorithm>);

/// A longer one is an address, a key or the like, not a word of a language.
const MAX_BYTES: usize = 60;
const MIN_LETTERS: usize = 3;

impl Stemmer {
    /// By the language's code (ISO 639).
    pub fn of(language: &str) -> Self {
        use Algorithm::*;
        Self(Some(match language {
            "ar" | "ara" => Arabic,
            "ca" | "cat" => Catalan,
            "cs" | "ces" | "cze" => Czech,
            "da" | "dan" => Danish,
            "de" | "deu" | "ger" => German,
            "el" | "ell" | "gre" => Greek,
            "en" | "eng" => English,
            "es" | "spa" => Spanish,
            "et" | "est" => Estonian,
            "eu" | "eus" | "baq" => Basque,
            "fi" | "fin" => Finnish,
            "fr" | "fra" | "fre" => French,
            "ga" | "gle" => Irish,
            "hi" | "hin" => Hindi,
            "hu" | "hun" => Hungarian,
            "hy" | "hye" | "arm" => Armenian,
            "id" | "ind" => Indonesian,
            "it" | "ita" => Italian,
            "lt" | "lit" => Lithuanian,
            "ne" | "nep" => Nepali,
            "nl" | "nld" | "dut" => Dutch,
            "nb" | "nn" | "no" | "nor" => Norwegian,
            "pl" | "pol" => Polish,
            "pt" | "por" => Portuguese,
            "ro" | "ron" | "rum" => Romanian,
            "ru" | "rus" => Russian,
            "sr" | "srp" => Serbian,
            "sv" | "swe" => Swedish,
            "ta" | "tam" => Tamil,
            "tr" | "tur" => Turkish,
            "yi" | "yid" => Yiddish,
            _ => return Self(None),
        }))
    }

    /// Of a word that is written so, and folded to `word`: of both, since endings have accents (`livrée`, `livrer`) and
    /// writers leave them out. Folded, and perhaps the word itself; none of what has no endings, such as a number.
    pub fn stems(self, written: &str, word: &str) -> Vec<String> {
        let mut stems: Vec<String> = self.stem(word).into_iter().collect();
        if !written.is_ascii() {
            let of_written = self.stem(&text::lower(written)).map(|stem| text::fold(&stem));
            stems.extend(of_written.filter(|stem| !stems.contains(stem)));
        }
        stems
    }

    /// Of a word in lower case.
    fn stem(self, word: &str) -> Option<String> {
        let is_word = word.len() <= MAX_BYTES
            && word.chars().nth(MIN_LETTERS - 1).is_some()
            && !word.contains(|letter: char| letter.is_numeric());
        let stem = Snowball::create(self.0.filter(|_| is_word)?).stem(word).into_owned();
        (!stem.is_empty()).then_some(stem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn endings_go_by_the_language() {
        for (language, words, stem) in [
            ("en", ["deliveries", "delivery"], "deliveri"),
            ("nl", ["boeken", "boek"], "boek"),
            ("de", ["lampen", "lampe"], "lamp"),
            ("fr", ["commandes", "commande"], "command"),
        ] {
            assert_eq!(words.map(|word| Stemmer::of(language).stem(word).unwrap()), [stem, stem], "{language}");
        }
        for (language, one, other) in [
            ("ru", "красная", "красный"),
            ("ru", "новый", "новая"),
            ("fr", "livrée", "livré"),
            ("fr", "achetée", "acheter"),
            ("fr", "livree", "livrée"),
            ("pt", "devoluções", "devolução"),
            ("it", "arriverà", "arrivare"),
        ] {
            let stems = |word| Stemmer::of(language).stems(word, &text::fold(word));
            assert!(stems(one).iter().any(|stem| stems(other).contains(stem)), "{one} {other}");
        }
        assert_eq!(Stemmer::of("ja").stem("deliveries"), None);
        assert_eq!(Stemmer::of("en").stem("2024s"), None);
        assert_eq!(Stemmer::of("en").stem("as"), None);
    }

    proptest! {
        #[test]
        fn no_word_breaks_a_stemmer(text in "\\PC{3,20}", language in "ar|cs|de|el|en|fi|fr|hi|hu|nl|pl|ru|sr|ta|tr|yi") {
            for word in text::placed_words(&text) {
                Stemmer::of(&language).stems(word.written(&text), &word.text);
            }
        }
    }
}

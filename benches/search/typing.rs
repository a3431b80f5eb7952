//! What is typed: beginnings of names, with a slip now and then, of addresses and of relation numbers.

use dossier::text;
use rand::RngExt;
use rand::rngs::StdRng;

use crate::sample::Customer;

/// At most so many characters are typed before the eye finds the name.
const TYPED: usize = 12;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    OneWord,
    TwoWords,
    Typo,
    Address,
    Number,
}

#[derive(Debug, Clone)]
pub struct Keystroke {
    pub kind: Kind,
    pub typed: String,
}

/// `count` keystrokes: customers drawn one after the other, each typed character by character.
pub fn keystrokes(customers: &[Customer], count: usize, rng: &mut StdRng) -> Vec<Keystroke> {
    let mut all: Vec<Keystroke> = Vec::new();
    for customer in customers.iter().cycle() {
        let draw: f64 = rng.random();
        match draw {
            ..0.025 => push_prefixes(&mut all, Kind::Address, &customer.address),
            ..0.05 => push_prefixes(&mut all, Kind::Number, &customer.number),
            ..0.15 => match slip(&customer.name, rng) {
                Some((_, typed)) => push_prefixes(&mut all, Kind::Typo, &typed),
                None => push_prefixes(&mut all, Kind::OneWord, &customer.name),
            },
            ..0.4 => {
                let words = text::words(&customer.name);
                let (Some(first), Some(last)) = (words.first(), words.last()) else { continue };
                let begun: String = first.chars().take(rng.random_range(1..=5)).collect();
                let rest = TYPED - begun.chars().count() - 1;
                all.extend((1..=last.chars().count().min(rest)).map(|length| Keystroke {
                    kind: Kind::TwoWords,
                    typed: format!("{begun} {}", last.chars().take(length).collect::<String>()),
                }));
            }
            _ => push_prefixes(&mut all, Kind::OneWord, &customer.name),
        }
        if all.len() >= count {
            break;
        }
    }
    all.truncate(count);
    all
}

fn push_prefixes(all: &mut Vec<Keystroke>, kind: Kind, text: &str) {
    for length in 1..=text.chars().count().min(TYPED) {
        let typed: String = text.chars().take(length).collect();
        let is_several = kind == Kind::OneWord && text::words(&typed).len() > 1;
        all.push(Keystroke { kind: if is_several { Kind::TwoWords } else { kind }, typed });
    }
}

/// The name with one letter of a word of six or more wrong, missing or swapped with the next; and which of these.
pub fn slip(name: &str, rng: &mut StdRng) -> Option<(&'static str, String)> {
    let words: Vec<&str> = name.split(' ').collect();
    // Scripts without spaces are searched by pairs of letters.
    let is_long = |word: &&str| {
        word.chars().count() >= 6 && word.chars().all(char::is_alphabetic) && text::words(word).len() == 1
    };
    let long: Vec<usize> = (0..words.len()).filter(|place| is_long(&words[*place])).collect();
    let chosen = *long.get(rng.random_range(0..long.len().max(1)))?;
    let mut letters: Vec<char> = words[chosen].chars().collect();
    let place = rng.random_range(1..letters.len() - 1);
    let kind = match rng.random_range(0..3) {
        0 => {
            // One of the same script that stands elsewhere.
            letters[place] = *letters.iter().rev().find(|letter| **letter != letters[place])?;
            "wrong"
        }
        1 => {
            letters.remove(place);
            "missing"
        }
        _ => {
            letters.swap(place, place + 1);
            "swapped"
        }
    };
    let mistyped: String = letters.into_iter().collect();
    let typed: Vec<&str> =
        words.iter().enumerate().map(|(at, word)| if at == chosen { mistyped.as_str() } else { *word }).collect();
    let typed = typed.join(" ");
    (text::fold(&typed) != text::fold(name)).then_some((kind, typed))
}

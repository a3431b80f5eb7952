//! What is written: words as often as words occur, and four that are sought.

use rand::RngExt;
use rand::rngs::StdRng;

/// In every message.
pub const COMMON: &str = "greetings";
/// In one of a hundred.
pub const HUNDREDTH: &str = "refund";
/// In one of ten thousand.
pub const RARE: &str = "zeppelin";
/// In one message of the largest profile.
pub const ONCE: &str = "xylophone";

const SYLLABLES: [&str; 24] = [
    "ba", "den", "ko", "lis", "mer", "no", "pel", "qua", "ris", "sto", "tan", "ul", "ver", "wij", "xan", "yo", "zel",
    "fra", "gol", "hin", "jas", "kli", "blo", "cre",
];

/// About twelve words, the frequent ones short.
pub fn body(rng: &mut StdRng) -> String {
    let mut text = String::from("Greetings,");
    for _ in 0..rng.random_range(7..=13) {
        text.push(' ');
        word(rng, &mut text);
    }
    for (sought, one_of) in [(HUNDREDTH, 100), (RARE, 10_000)] {
        if rng.random_range(0..one_of) == 0 {
            text.push(' ');
            text.push_str(sought);
        }
    }
    text.push('.');
    text
}

pub fn subject(rng: &mut StdRng) -> String {
    let mut text = String::from("About ");
    word(rng, &mut text);
    text
}

/// Of some fourteen thousand; the tenth one about a tenth as often as the first.
fn word(rng: &mut StdRng, text: &mut String) {
    let words = SYLLABLES.len().pow(3) as f64;
    let mut rank = words.powf(rng.random::<f64>()) as usize;
    loop {
        text.push_str(SYLLABLES[rank % SYLLABLES.len()]);
        rank /= SYLLABLES.len();
        if rank == 0 {
            return;
        }
    }
}

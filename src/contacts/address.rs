//! How an address is written: pure rules.

use phonenumber::{Mode, country};

use crate::channels::Medium;
use crate::text;

/// Normalised: a telephone number in E.164, an e-mail address in lower case; what can't be parsed as written.
///
/// `country` (ISO 3166-1 alpha-2) completes a number written without one.
pub fn normalise(medium: Medium, address: &str, country: &str) -> String {
    let address = address.trim();
    if medium == Medium::Email {
        address.to_lowercase()
    } else if medium.has_phone_numbers() {
        phone_number(address, country).unwrap_or_else(|| address.to_owned())
    } else {
        address.to_owned()
    }
}

/// Reads the rules of telephone numbers: a quarter of a second that would else be somebody's first search.
pub fn prepare() {
    let _ = phonenumber::parse(None, "+31201234567");
}

/// In E.164; None for what is no telephone number.
pub fn phone_number(address: &str, country: &str) -> Option<String> {
    // WhatsApp names numbers by their digits, country first.
    let international =
        address.len() > 9 && !address.starts_with('0') && address.bytes().all(|byte| byte.is_ascii_digit());
    let country: Option<country::Id> = country.parse().ok();
    let parsed = phonenumber::parse(country, address).ok().filter(phonenumber::is_valid).or_else(|| {
        let with_plus = format!("+{address}");
        international.then(|| phonenumber::parse(None, with_plus).ok().filter(phonenumber::is_valid)).flatten()
    })?;
    Some(parsed.format().mode(Mode::E164).to_string())
}

/// The words by which a contact is found: those of its address and name, and for a number its digits with and
/// without the country's code.
pub fn terms(medium: Medium, address: &str, name: Option<&str>) -> Vec<String> {
    let mut terms = vec![text::truncate(&text::fold(address), MAX_TERM).to_owned()];
    if medium.has_phone_numbers()
        && let Ok(number) = phonenumber::parse(None, address)
    {
        let national = number.national().value().to_string();
        terms = vec![format!("{}{national}", number.code().value()), format!("0{national}"), national];
    }
    for word in text::words(address).into_iter().chain(text::words(name.unwrap_or_default())) {
        let word = text::truncate(&word, MAX_TERM).to_owned();
        if terms.len() < MAX_TERMS && !terms.contains(&word) {
            terms.push(word);
        }
    }
    terms
}

const MAX_TERM: usize = 100;
const MAX_TERMS: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_of_writing_an_address_become_one() {
        for (medium, written, normalised) in [
            (Medium::Email, " Ada@Example.COM ", "ada@example.com"),
            (Medium::Whatsapp, "06 12 34 56 78", "+31612345678"),
            (Medium::Whatsapp, "31612345678", "+31612345678"),
            (Medium::Sms, "+31 (0)6-12345678", "+31612345678"),
            (Medium::Voice, "0031612345678", "+31612345678"),
            (Medium::Voice, "anonymous", "anonymous"),
            (Medium::Sms, "1008", "1008"),
            (Medium::LiveChat, " Visitor-7 ", "Visitor-7"),
        ] {
            assert_eq!(normalise(medium, written, "NL"), normalised, "{written}");
        }
    }

    #[test]
    fn a_number_is_found_with_and_without_its_country() {
        let terms = terms(Medium::Whatsapp, "+31612345678", Some("Ada L."));
        assert_eq!(terms, ["31612345678", "0612345678", "612345678", "ada", "l"]);
    }

    #[test]
    fn a_mail_address_is_found_by_each_of_its_words() {
        let terms = terms(Medium::Email, "ada.l@example.com", None);
        assert_eq!(terms, ["ada.l@example.com", "ada", "l", "example", "com"]);
    }
}

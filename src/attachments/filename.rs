//! What a file is called: pure rules.

const MAX_CHARS: usize = 200;
const MAX_EXTENSION: usize = 16;
const NAMELESS: &str = "file";

/// A name that is safe to show and to save under: the last component of a path, on one line, reading one way.
pub fn clean(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).find(|part| !part.trim().is_empty()).unwrap_or_default();
    let shown: String = last.chars().filter_map(shown).collect();
    let line = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.as_str() {
        "" | "." | ".." => NAMELESS.to_owned(),
        _ => shorten(&line),
    }
}

/// White space as a space; nothing for what isn't seen, or turns the direction of reading around it.
fn shown(letter: char) -> Option<char> {
    match letter {
        _ if letter.is_whitespace() => Some(' '),
        '\u{061C}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' => None,
        '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' => None,
        _ if letter.is_control() => None,
        _ => Some(letter),
    }
}

/// What is too long loses the end of its stem, not its extension.
fn shorten(name: &str) -> String {
    if name.chars().count() <= MAX_CHARS {
        return name.to_owned();
    }
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if extension.chars().count() <= MAX_EXTENSION => (stem, format!(".{extension}")),
        _ => (name, String::new()),
    };
    let kept: String = stem.chars().take(MAX_CHARS - extension.chars().count()).collect();
    format!("{kept}{extension}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_become_safe() {
        for (written, cleaned) in [
            ("offer.pdf", "offer.pdf"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\Ada\\offer.pdf", "offer.pdf"),
            ("folder/", "folder"),
            ("two\r\nlines\t.txt", "two lines .txt"),
            ("invoice\u{202E}fdp.exe", "invoicefdp.exe"),
            ("a\u{0}b\u{7F}.txt", "ab.txt"),
            ("\"quoted\".png", "\"quoted\".png"),
            ("  ", "file"),
            ("..", "file"),
            ("/", "file"),
            ("", "file"),
        ] {
            assert_eq!(clean(written), cleaned, "{written:?}");
        }
    }

    #[test]
    fn a_long_name_keeps_its_extension() {
        let name = clean(&format!("{}.jpeg", "a".repeat(500)));
        assert_eq!(name.chars().count(), MAX_CHARS);
        assert!(name.ends_with("a.jpeg"));
    }

    proptest! {
        #[test]
        fn a_name_is_one_short_line_and_stays_what_it_is(name in ".{0,300}") {
            let cleaned = clean(&name);
            prop_assert!(!cleaned.is_empty() && cleaned.chars().count() <= MAX_CHARS);
            prop_assert!(!cleaned.contains(['/', '\\']) && !cleaned.chars().any(char::is_control));
            let again = clean(&cleaned);
            prop_assert_eq!(again, cleaned.trim());
        }
    }
}

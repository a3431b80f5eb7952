//! From bytes on the wire to bytes of a file, and from those to text.

use std::borrow::Cow;

use mail_parser::decoders::{base64::base64_decode, charsets::map::charset_decoder};

use super::header::split_line;

/// Undoes a `Content-Transfer-Encoding` (RFC 2045, section 6), as far as what arrived allows.
pub fn transfer<'a>(encoding: Option<&str>, body: &'a [u8]) -> Cow<'a, [u8]> {
    match encoding.map(str::to_ascii_lowercase).as_deref() {
        Some("base64") => base64(body).into(),
        Some("quoted-printable") => quoted_printable(body).into(),
        Some("x-uuencode" | "uuencode" | "x-uue" | "uue") => uuencoded(body).map_or(body.into(), Cow::from),
        _ => body.into(),
    }
}

/// Text of a charset. A missing, unknown or plainly wrong one is UTF-8 if it can be, else windows-1252.
///
/// NUL, which PostgreSQL can't store, becomes U+FFFD.
pub fn text(bytes: &[u8], charset: Option<&str>) -> String {
    let charset = charset.map(|name| name.trim().to_ascii_lowercase());
    let text = match charset.as_deref() {
        // Whoever declares UTF-8 means it: one broken byte doesn't turn the rest into another charset.
        Some("utf-8" | "utf8") => String::from_utf8_lossy(bytes).into_owned(),
        None | Some("us-ascii" | "ascii") => guessed(bytes),
        Some(name) => charset_decoder(name.as_bytes()).map_or_else(|| guessed(bytes), |decode| decode(bytes)),
    };
    if text.contains('\0') { text.replace('\0', "\u{FFFD}") } else { text }
}

fn guessed(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => charset_decoder(b"windows-1252")
            .map_or_else(|| String::from_utf8_lossy(bytes).into_owned(), |decode| decode(bytes)),
    }
}

/// Characters outside the alphabet are ignored (RFC 2045, section 6.8); what follows the padding isn't content,
/// but something a mailing list put there.
fn base64(body: &[u8]) -> Vec<u8> {
    // The usual case, without a copy: digits and line ends, and padding only where everything ends.
    let padding = body.iter().position(|byte| *byte == b'=');
    let (content, padding) = body.split_at(padding.unwrap_or(body.len()));
    if padding.iter().all(|byte| b"= \t\r\n".contains(byte))
        && let Some(decoded) = base64_decode(content)
    {
        return decoded;
    }
    let mut digits = Vec::with_capacity(body.len());
    for byte in body {
        match byte {
            b'=' if digits.len() % 4 >= 2 => break,
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' => digits.push(*byte),
            _ => {}
        }
    }
    base64_decode(&digits).unwrap_or_default()
}

/// What isn't an escape stays as it is (RFC 2045, section 6.7).
fn quoted_printable(body: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'=' {
            decoded.push(byte);
            continue;
        }
        match after {
            [b'\n', tail @ ..] | [b'\r', b'\n', tail @ ..] => rest = tail,
            [high, low, tail @ ..] => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => {
                    decoded.push(high << 4 | low);
                    rest = tail;
                }
                _ => decoded.push(byte),
            },
            [] => {}
            _ => decoded.push(byte),
        }
    }
    decoded
}

fn hex(digit: u8) -> Option<u8> {
    u8::try_from(char::from(digit).to_digit(16)?).ok()
}

/// The file between `begin` and `end`, as `uuencode` of POSIX writes it; `None` when there is no such thing.
fn uuencoded(body: &[u8]) -> Option<Vec<u8>> {
    let mut rest = body;
    loop {
        let (line, after) = split_line(rest);
        rest = after;
        if line.starts_with(b"begin ") {
            break;
        }
        if rest.is_empty() {
            return None;
        }
    }
    let mut decoded = Vec::with_capacity(body.len());
    // Lines may lack the blanks at their end, but no file is longer than its encoding.
    while !rest.is_empty() && decoded.len() < body.len() {
        let (line, after) = split_line(rest);
        rest = after;
        let Some((length, characters)) = line.split_first().filter(|_| line != b"end") else {
            break;
        };
        let length = usize::from(length.wrapping_sub(b' ') & 0x3F);
        let sextets = characters.iter().map(|byte| u32::from(byte.wrapping_sub(b' ') & 0x3F));
        let mut bits = 0;
        let mut bytes = Vec::with_capacity(length);
        for (n, sextet) in sextets.chain(std::iter::repeat(0)).enumerate() {
            if bytes.len() >= length {
                break;
            }
            bits = bits << 6 | sextet;
            if n % 4 == 3 {
                bytes.extend(bits.to_be_bytes().into_iter().skip(1));
                bits = 0;
            }
        }
        decoded.extend(bytes.into_iter().take(length));
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(encoding: &str, body: &str) -> String {
        String::from_utf8_lossy(&transfer(Some(encoding), body.as_bytes())).into_owned()
    }

    #[test]
    fn base64_survives_junk_and_what_a_list_adds() {
        assert_eq!(decoded("BASE64", "aGVs\r\n!bG8=\r\n___\nfooter"), "hello");
        assert_eq!(decoded("base64", "aGVsbG8"), "hello");
        assert_eq!(decoded("base64", "aGVsbG8gd"), "hello ");
        assert_eq!(decoded("base64", "=="), "");
    }

    #[test]
    fn quoted_printable_joins_soft_breaks_and_keeps_the_rest() {
        assert_eq!(decoded("quoted-printable", "a=\r\nb=\nc=3D=C3=a9 \r\n"), "abc=é \r\n");
        assert_eq!(decoded("quoted-printable", "a=zz=4"), "a=zz=4");
        assert_eq!(decoded("quoted-printable", "a="), "a");
    }

    #[test]
    fn uuencoded_files_are_read() {
        assert_eq!(decoded("x-uuencode", "\nbegin 644 a.txt\n#0V%T\n`\nend\n"), "Cat");
        assert_eq!(decoded("x-uuencode", "no file"), "no file");
        assert_eq!(decoded("x-uuencode", "begin 644 a\n#0V\n").len(), 3);
    }

    #[test]
    fn other_encodings_leave_every_byte_alone() {
        for encoding in ["7bit", "8bit", "binary", "nonsense"] {
            assert_eq!(decoded(encoding, "a\r\nb\n=3D\r"), "a\r\nb\n=3D\r");
        }
    }

    #[test]
    fn charsets_are_read_or_guessed() {
        assert_eq!(text(b"caf\xE9 \x80", None), "café €");
        assert_eq!(text("café".as_bytes(), None), "café");
        assert_eq!(text("café".as_bytes(), Some("US-ASCII")), "café");
        assert_eq!(text(b"caf\xE9", Some("x-unknown")), "café");
        assert_eq!(text(b"caf\xE9", Some("utf-8")), "caf\u{FFFD}");
        assert_eq!(text(b"\x1b$B%O%m!<\x1b(B", Some("ISO-2022-JP")), "ハロー");
        assert_eq!(text(b"a\0b", Some("iso-8859-1")), "a\u{FFFD}b");
    }
}

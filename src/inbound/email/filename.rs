//! Names for attachments.

use super::header;

const MAX_CHARS: usize = 200;
/// A cut name keeps its extension, within reason.
const MAX_EXTENSION_CHARS: usize = 20;

/// The last component of a path, without control characters and marks that turn the reading direction
/// (with which `exe.pdf` can be the end of an executable's name); `None` when nothing usable is left.
pub fn reduced(name: &str) -> Option<String> {
    // A path's encoded slashes count too, so the words are decoded first (RFC 2047 forbids them here, programs don't).
    let name = header::unstructured(name, usize::MAX)?;
    let last = name.rsplit(['/', '\\']).next()?;
    let visible: String = last.chars().filter(|c| !turns_direction(*c)).collect();
    let name = visible.trim();
    if name.chars().all(|c| c == '.') {
        return None;
    }
    if name.chars().count() <= MAX_CHARS {
        return Some(name.to_owned());
    }
    let (stem, extension) = name
        .rsplit_once('.')
        .filter(|(_, extension)| extension.chars().count() <= MAX_EXTENSION_CHARS)
        .map_or((name, String::new()), |(stem, end)| (stem, format!(".{end}")));
    let room = MAX_CHARS - extension.chars().count();
    Some(stem.chars().take(room).collect::<String>() + &extension)
}

/// A name for the `n`th attachment, which came without: `image-1.png`.
pub fn made_up(main: &str, sub: &str, n: usize) -> String {
    let stem = match main {
        "application" => "attachment",
        main => main,
    };
    let extension = match sub {
        "jpeg" => "jpg",
        "plain" => "txt",
        "calendar" => "ics",
        "vcard" | "x-vcard" => "vcf",
        "rfc822" | "global" => "eml",
        "svg+xml" => "svg",
        short if short.len() <= 4 && short.bytes().all(|b| b.is_ascii_alphanumeric()) => short,
        _ => "bin",
    };
    format!("{stem}-{n}.{extension}")
}

/// The formatting characters of Unicode's bidirectional algorithm (UAX #9, section 2).
fn turns_direction(c: char) -> bool {
    matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_visible_path_component() {
        let read = |name| reduced(name).unwrap_or_default();
        assert_eq!(read("C:\\docs\\a b.pdf"), "a b.pdf");
        assert_eq!(read("../../etc/passwd"), "passwd");
        assert_eq!(read("a\u{202E}fdp.exe\n"), "afdp.exe");
        assert_eq!(read("=?utf-8?Q?caf=C3=A9=2Fx.txt?="), "x.txt");
        assert_eq!(read("スパム.bmp"), "スパム.bmp");
        for unusable in ["", "..", "a/", " \u{200E} "] {
            assert_eq!(reduced(unusable), None, "{unusable}");
        }
    }

    #[test]
    fn a_long_name_keeps_its_extension() {
        let name = reduced(&("x".repeat(500) + ".pdf")).unwrap_or_default();
        assert_eq!(name.len(), 200);
        assert!(name.ends_with("x.pdf"));
        assert_eq!(reduced(&"é".repeat(500)), Some("é".repeat(200)));
    }

    #[test]
    fn a_missing_name_is_made_up() {
        assert_eq!(made_up("image", "png", 1), "image-1.png");
        assert_eq!(made_up("message", "rfc822", 2), "message-2.eml");
        assert_eq!(made_up("application", "pdf", 3), "attachment-3.pdf");
        assert_eq!(made_up("application", "ms-tnef", 4), "attachment-4.bin");
    }
}

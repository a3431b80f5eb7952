//! What a file is: pure rules. Its bytes decide, then what its sender says.

use super::types::AttachmentKind;

pub const UNKNOWN: &str = "application/octet-stream";

/// Types whose bytes can't be mistaken: who says so without such bytes is not believed.
const RECOGNISABLE: [&str; 5] = ["image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf"];
const PICTURES: [&str; 4] = ["image/png", "image/jpeg", "image/gif", "image/webp"];
/// Formats that others are built on: a more precise word of the sender is welcome.
const CONTAINERS: [&str; 4] = ["application/zip", "application/x-ole-storage", "application/gzip", "text/xml"];
const MAX_LENGTH: usize = 100;

/// The type of a file, from what its bytes say and what its sender says.
pub fn settle(detected: Option<&str>, declared: Option<&str>) -> String {
    let declared = declared.and_then(essence);
    match (detected, declared) {
        (Some(detected), Some(declared))
            if CONTAINERS.contains(&detected) && is_precise_container(detected, &declared) =>
        {
            declared
        }
        (Some(detected), _) => detected.to_owned(),
        (None, Some(declared)) if !RECOGNISABLE.contains(&declared.as_str()) => declared,
        (None, _) => UNKNOWN.to_owned(),
    }
}

/// Whether a file in this container may be what its sender says.
fn is_precise_container(detected: &str, declared: &str) -> bool {
    match detected {
        "text/xml" => declared.ends_with("+xml"),
        _ => declared.starts_with("application/") && declared != UNKNOWN && !RECOGNISABLE.contains(&declared),
    }
}

/// `type/subtype` in lower case, without parameters; None for what isn't one (RFC 9110, 8.3.1).
fn essence(text: &str) -> Option<String> {
    let essence = text.split(';').next()?.trim().to_ascii_lowercase();
    let is_token = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&byte))
    };
    let (kind, subtype) = essence.split_once('/')?;
    (is_token(kind) && is_token(subtype) && essence.len() <= MAX_LENGTH).then_some(essence)
}

/// The drawer of the gallery that it belongs in.
pub fn kind(content_type: &str) -> AttachmentKind {
    let (family, subtype) = content_type.split_once('/').unwrap_or_default();
    match family {
        "image" => AttachmentKind::Image,
        "audio" => AttachmentKind::Audio,
        "video" => AttachmentKind::Video,
        "text" | "message" => AttachmentKind::Document,
        "application" if is_document(subtype) => AttachmentKind::Document,
        _ => AttachmentKind::Other,
    }
}

fn is_document(subtype: &str) -> bool {
    const BEGINNINGS: [&str; 5] =
        ["vnd.openxmlformats-officedocument", "vnd.oasis.opendocument", "vnd.ms-", "vnd.apple.", "vnd.sun.xml"];
    const DOCUMENTS: [&str; 9] =
        ["pdf", "msword", "rtf", "epub+zip", "postscript", "json", "xml", "xhtml+xml", "x-ole-storage"];
    DOCUMENTS.contains(&subtype) || BEGINNINGS.iter().any(|beginning| subtype.starts_with(beginning))
}

/// Whether it is an image that a browser shows, and that has a size and a thumbnail.
pub fn is_picture(content_type: &str) -> bool {
    PICTURES.contains(&content_type)
}

/// Whether a browser may show it in place: nothing that could run a script here.
pub fn is_shown_inline(content_type: &str) -> bool {
    RECOGNISABLE.contains(&content_type) || content_type.starts_with("audio/") || content_type.starts_with("video/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_decide_and_the_sender_refines() {
        for (detected, declared, settled) in [
            (Some("image/png"), Some("text/html"), "image/png"),
            (Some("application/zip"), Some("image/jpeg"), "application/zip"),
            (
                Some("application/zip"),
                Some("application/vnd.oasis.opendocument.text"),
                "application/vnd.oasis.opendocument.text",
            ),
            (Some("application/zip"), Some("application/pdf"), "application/zip"),
            (Some("text/xml"), Some("image/svg+xml"), "image/svg+xml"),
            (None, Some("Text/Plain; charset=utf-8"), "text/plain"),
            (None, Some("image/png"), UNKNOWN),
            (None, Some("no type\r\nX-Bad: 1"), UNKNOWN),
            (None, None, UNKNOWN),
        ] {
            assert_eq!(settle(detected, declared), settled, "{detected:?} {declared:?}");
        }
    }

    #[test]
    fn what_can_run_scripts_is_never_shown_in_place() {
        for content_type in ["text/html", "image/svg+xml", "text/xml", "text/javascript", "application/xhtml+xml"] {
            assert!(!is_shown_inline(content_type), "{content_type}");
        }
        assert!(is_shown_inline("image/webp") && is_shown_inline("video/mp4"));
    }
}

//! What a file is: pure rules. Its bytes decide, then what its sender says.

use super::types::AttachmentKind;

pub const UNKNOWN: &str = "application/octet-stream";

/// Types whose bytes can't be mistaken: who says so without such bytes is not believed.
const RECOGNISABLE: [&str; 5] = ["image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf"];
const PICTURES: [&str; 4] = ["image/png", "image/jpeg", "image/gif", "image/webp"];
/// The frame of Microsoft's older formats: a document, a table, a mail …
const OLE: &str = "application/x-ole-storage";
/// How types of what lies in it begin.
const IN_OLE: [&str; 3] = ["application/vnd.", "application/ms", "application/x-ms"];
const MAX_LENGTH: usize = 100;

/// What a file's bytes say, from their beginning.
pub fn detect(head: &[u8]) -> Option<&'static str> {
    match infer::get(head)?.mime_type() {
        // It looks no deeper than the frame.
        "application/msword" => Some(OLE),
        // This sound begins like a script (RFC 4867, section 5.1).
        "text/x-shellscript" if head.starts_with(b"#!AMR-WB") => Some("audio/amr-wb"),
        "text/x-shellscript" if head.starts_with(b"#!AMR") => Some("audio/amr"),
        known => Some(known),
    }
}

/// The type of a file, from what its bytes say, what its sender says and what it is called.
pub fn settle(detected: Option<&str>, declared: Option<&str>, filename: &str) -> String {
    let declared = declared.and_then(essence);
    match (detected, declared) {
        (Some(detected), Some(declared)) if may_hold(detected, &declared) => declared,
        (Some(OLE), _) => in_ole(filename).unwrap_or(OLE).to_owned(),
        (Some(detected), _) => detected.to_owned(),
        (None, Some(declared)) if !RECOGNISABLE.contains(&declared.as_str()) => declared,
        (None, _) => UNKNOWN.to_owned(),
    }
}

/// Whether the bytes name only a format that others are built on, of which what the sender says may be one.
fn may_hold(detected: &str, declared: &str) -> bool {
    match detected {
        "text/xml" => declared.ends_with("+xml"),
        OLE => IN_OLE.iter().any(|beginning| declared.starts_with(beginning)),
        "application/zip" | "application/gzip" => {
            declared.starts_with("application/") && declared != UNKNOWN && !RECOGNISABLE.contains(&declared)
        }
        // Sound without pictures.
        "video/mp4" => ["audio/mp4", "audio/m4a", "audio/x-m4a"].contains(&declared),
        "video/webm" => declared == "audio/webm",
        "video/x-matroska" => declared == "audio/x-matroska",
        "video/x-ms-wmv" => declared == "audio/x-ms-wma",
        "audio/ogg" => declared == "video/ogg",
        _ => false,
    }
}

/// What is called so and lies in such a frame.
fn in_ole(filename: &str) -> Option<&'static str> {
    match filename.rsplit_once('.')?.1.to_ascii_lowercase().as_str() {
        "doc" => Some("application/msword"),
        "xls" => Some("application/vnd.ms-excel"),
        "ppt" => Some("application/vnd.ms-powerpoint"),
        "msg" => Some("application/vnd.ms-outlook"),
        _ => None,
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
            assert_eq!(settle(detected, declared, "file.xls"), settled, "{detected:?} {declared:?}");
        }
    }

    #[test]
    fn of_a_frame_the_sender_or_the_name_says_what_it_holds() {
        const OLE: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1\0\0\0\0";
        const MP4: &[u8] = b"\0\0\0\x18ftypmp42\0\0\0\0";
        const AMR: &[u8] = b"#!AMR\n\x3C";
        const AMR_WB: &[u8] = b"#!AMR-WB\n\x04\x10\x20\0";
        use AttachmentKind::{Audio, Document, Other, Video};
        for (content, name, declared, settled, drawer) in [
            (OLE, "a.bin", "application/vnd.ms-excel", "application/vnd.ms-excel", Document),
            (OLE, "a.bin", "application/vnd.ms-powerpoint", "application/vnd.ms-powerpoint", Document),
            (OLE, "a.xls", "application/vnd.ms-outlook", "application/vnd.ms-outlook", Document),
            (OLE, "a.doc", UNKNOWN, "application/msword", Document),
            (OLE, "a.XLS", "", "application/vnd.ms-excel", Document),
            (OLE, "a.ppt", "image/png", "application/vnd.ms-powerpoint", Document),
            (OLE, "a.msg", "application/xhtml+xml", "application/vnd.ms-outlook", Document),
            (OLE, "a.html", "application/pdf", "application/x-ole-storage", Document),
            (MP4, "a", "audio/mp4", "audio/mp4", Audio),
            (MP4, "a", "audio/x-m4a", "audio/x-m4a", Audio),
            (MP4, "a", "audio/html", "video/mp4", Video),
            (MP4, "a", "", "video/mp4", Video),
            (AMR, "a", "audio/amr", "audio/amr", Audio),
            (AMR_WB, "a", "audio/amr", "audio/amr-wb", Audio),
            (AMR_WB, "a", "audio/amr-wb", "audio/amr-wb", Audio),
            (AMR_WB, "a", "", "audio/amr-wb", Audio),
            (b"#!/bin/sh\n", "a", "audio/amr", "text/x-shellscript", Document),
            (b"PK\x03\x04", "a.xls", "", "application/zip", Other),
        ] {
            let content_type = settle(detect(content), Some(declared), name);
            assert_eq!((content_type.as_str(), kind(&content_type)), (settled, drawer), "{name} {declared}");
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

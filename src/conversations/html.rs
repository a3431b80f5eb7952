//! HTML of a message: made safe to show, and made into text to read and search.
//!
//! It comes from anyone, so it is bounded before it is parsed. HTML that is too long or too deep is only stripped of
//! its tags. And HTML's rules for formatting elements that were left open (each new paragraph opens all of them anew)
//! turn a few kilobytes into gigabytes; so while it is parsed, they bear names that HTML doesn't know.

mod layout;
#[cfg(test)]
mod tests;

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc,
};

use ammonia::Builder;
use html2text::config;
use mail_parser::decoders::{hex::decode_hex, html::html_to_text};
use url::Url;

use self::layout::Layout;

const MAX_BYTES: usize = 512 * 1024;
const MAX_DEPTH: usize = 200;
/// Laying out text costs more than cleaning.
pub const MAX_LAID_OUT_BYTES: usize = 256 * 1024;
/// Text is never wrapped: whoever shows it does, and words that stood together are found together.
const WIDTH: usize = 2 * MAX_LAID_OUT_BYTES;

/// The elements that HTML opens again where they were left open, but for links, of which only one is open at a time.
const FORMATTING: [&str; 13] =
    ["b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"];
const DISGUISE: &str = "x-";

/// Styles that only change how the text itself looks: none can fetch anything or leave its place.
const STYLES: [&str; 18] = [
    "background-color",
    "border-collapse",
    "color",
    "direction",
    "font-family",
    "font-size",
    "font-style",
    "font-variant",
    "font-weight",
    "line-height",
    "padding",
    "padding-bottom",
    "padding-left",
    "padding-right",
    "padding-top",
    "text-align",
    "text-decoration",
    "vertical-align",
];

/// Keeps the text, its formatting and its links; drops whatever could run, fetch, submit or cover something.
///
/// - Links are http, https, mailto or tel, never relative (they would point at this service), and open in a new tab
///   that learns nothing about this one.
/// - An image sent along (`cid:`, RFC 2392) gets the address that `inline_image` gives for its content id, and
///   none when that is `None`.
/// - Images elsewhere lose their address and keep their description: fetching one tells the sender that, when and
///   where the mail was read.
pub fn sanitise(html: &str, inline_image: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> String {
    if is_excessive(html, MAX_BYTES) {
        return format!("<pre>{}</pre>", escape(&html_to_text(html)));
    }
    let disguised = FORMATTING.map(|name| format!("{DISGUISE}{name}"));
    let cleaned = Builder::default()
        .add_tags(disguised.iter().map(String::as_str))
        .rm_tags(["area", "map"])
        .add_clean_content_tags(["iframe", "noframes", "noscript", "object", "textarea", "title"])
        .add_generic_attributes(["dir", "style"])
        .filter_style_properties(HashSet::from(STYLES))
        .add_tag_attributes("x-font", ["color", "face", "size"])
        .add_tag_attributes("table", ["bgcolor", "border", "cellpadding", "cellspacing", "width"])
        .add_tag_attributes("tr", ["bgcolor", "valign"])
        .add_tag_attributes("td", ["bgcolor", "height", "valign", "width"])
        .add_tag_attributes("th", ["bgcolor", "height", "valign", "width"])
        .url_schemes(HashSet::from(["http", "https", "mailto", "tel", "cid"]))
        .link_rel(Some("noopener noreferrer nofollow"))
        .set_tag_attribute_value("a", "target", "_blank")
        .attribute_filter(move |element, attribute, value| match (element, attribute) {
            ("img", "src") => inline_image(&content_id(value)?).map(Cow::from),
            (_, "href" | "cite") if !is_elsewhere(value) => None,
            _ => Some(value.into()),
        })
        .clean(&disguise(html))
        .to_string();
    undisguise(&cleaned)
}

/// The content ids of the images sent along that [`sanitise`] leaves in.
pub fn shown_images(html: &str) -> HashSet<String> {
    let (shown, images) = mpsc::channel();
    sanitise(html, move |id| {
        _ = shown.send(id.to_owned());
        None
    });
    images.into_iter().collect()
}

/// Readable text: links by their words, images by their description, tables row by row, quotations behind `> `.
pub fn to_text(html: &str) -> String {
    if is_excessive(html, MAX_LAID_OUT_BYTES) {
        return strip(html);
    }
    let flat = flatten(&disguise(html));
    let layout = config::with_decorator(Layout::default()).allow_width_overflow();
    // It can panic on odd lists, and a stranger's mail mustn't be refused for that.
    let laid_out = catch_unwind(AssertUnwindSafe(|| layout.string_from_read(flat.as_bytes(), WIDTH)));
    match laid_out {
        Ok(Ok(text)) => tidy(&text),
        _ => strip(html),
    }
}

/// What stands between the tags: faster and coarser than [`to_text`].
pub fn strip(html: &str) -> String {
    tidy(&html_to_text(html))
}

/// Text as HTML that shows it as it is.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Whether parsing it could take too long: the time grows with the length and with the depth of every element.
fn is_excessive(html: &str, max_bytes: usize) -> bool {
    html.len() > max_bytes || depth(html) > MAX_DEPTH
}

/// How deep elements are nested, roughly: those that commonly go without an end don't count.
fn depth(html: &str) -> usize {
    const ENDLESS: [&str; 18] = [
        "area", "base", "br", "col", "dd", "dt", "hr", "img", "input", "li", "link", "meta", "option", "p", "td", "th",
        "tr", "wbr",
    ];
    let mut open: HashMap<String, usize> = HashMap::new();
    let mut depth = 0_usize;
    let mut deepest = 0;
    for tag in html.split('<').skip(1) {
        let (name, closes) = tag.strip_prefix('/').map_or((tag, false), |tag| (tag, true));
        let name = element_name(name).to_ascii_lowercase();
        if name.is_empty() || ENDLESS.contains(&name.as_str()) {
            continue;
        }
        let open = open.entry(name).or_default();
        if !closes {
            *open += 1;
            depth += 1;
            deepest = deepest.max(depth);
        } else if *open > 0 {
            *open -= 1;
            depth -= 1;
        }
    }
    deepest
}

/// What a tag begins with, when it is a name.
fn element_name(tag: &str) -> &str {
    let end = tag.find(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    let name = end.map_or(tag, |end| tag.get(..end).unwrap_or_default());
    if name.starts_with(|c: char| c.is_ascii_alphabetic()) { name } else { "" }
}

/// Gives formatting elements names that HTML doesn't know: `<b>` becomes `<x-b>`.
fn disguise(html: &str) -> String {
    rename(html, |tag, name| {
        let known = FORMATTING.contains(&name.to_ascii_lowercase().as_str());
        known.then(|| format!("{tag}{DISGUISE}{}", name.to_ascii_lowercase()))
    })
}

fn undisguise(html: &str) -> String {
    rename(html, |tag, name| {
        let name = name.strip_prefix(DISGUISE)?;
        FORMATTING.contains(&name).then(|| format!("{tag}{name}"))
    })
}

/// Makes a table a block with a line for each row. Most tables in mails are layout, which as text is only wide, and
/// laying out spans that don't add up makes html2text panic.
fn flatten(html: &str) -> String {
    rename(html, |tag, name| {
        let flat = match (name.to_ascii_lowercase().as_str(), tag) {
            ("table" | "thead" | "tbody" | "tfoot" | "caption", _) => format!("{tag}div"),
            ("tr" | "hr", "<") => "<br".to_owned(),
            ("td" | "th", "<") => " <wbr".to_owned(),
            ("tr" | "td" | "th", _) => "</wbr".to_owned(),
            // What they hold is shown only where frames aren't.
            ("iframe" | "noframes" | "noembed", _) => format!("{tag}script"),
            // Their marks, `^{…}` and `_{…}`, suit formulas only.
            ("sup" | "sub", _) => format!("{tag}span"),
            _ => return None,
        };
        Some(flat)
    })
}

/// Replaces the beginnings of tags, of which `replace` is given `<` or `</` and the name.
fn rename(html: &str, replace: impl Fn(&str, &str) -> Option<String>) -> String {
    let mut parts = html.split('<');
    let mut renamed = String::with_capacity(html.len() + html.len() / 8);
    renamed.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (tag, rest) = part.strip_prefix('/').map_or(("<", part), |rest| ("</", rest));
        let name = element_name(rest);
        match replace(tag, name) {
            Some(replacement) => {
                renamed.push_str(&replacement);
                renamed.push_str(rest.strip_prefix(name).unwrap_or_default());
            }
            None => {
                renamed.push('<');
                renamed.push_str(part);
            }
        }
    }
    renamed
}

/// Lines without blanks at their end, and never more than one empty line in a row.
fn tidy(text: &str) -> String {
    // Invisible characters with which newsletters push their text out of previews.
    let is_filler = |c: char| matches!(c, '\u{200B}'..='\u{200D}' | '\u{034F}' | '\u{00AD}' | '\u{FEFF}');
    let mut tidied = String::with_capacity(text.len());
    let mut empty = 0;
    for line in text.lines() {
        let line = line.trim_end_matches(|c: char| c.is_whitespace() || is_filler(c));
        empty = if line.is_empty() { empty + 1 } else { 0 };
        if empty < 2 {
            tidied.push_str(line);
            tidied.push('\n');
        }
    }
    tidied.trim_matches('\n').to_owned()
}

/// Whether a link leads out of the mail and of this service.
fn is_elsewhere(address: &str) -> bool {
    Url::parse(address).is_ok_and(|address| address.scheme() != "cid")
}

/// The content id of a `cid:` address, in which some characters are escaped.
fn content_id(address: &str) -> Option<String> {
    let address = Url::parse(address).ok()?;
    if address.scheme() != "cid" {
        return None;
    }
    let path = address.path();
    Some(match decode_hex(path.as_bytes()) {
        (true, decoded) => String::from_utf8_lossy(&decoded).into_owned(),
        _ => path.to_owned(),
    })
}

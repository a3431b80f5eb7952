//! What somebody wrote in a mail, told apart from what it quotes and from the signature below it.
//!
//! By the conventions of plain text: `>` before quoted lines, `-- ` above a signature (RFC 3676, 4.3), and the lines
//! with which mail programs begin the mail that is answered. It only weighs words: what is taken for a quotation is
//! still found.

/// A piece of a body, in whole lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece<'t> {
    pub text: &'t str,
    /// By whoever sent it, just now.
    pub is_written: bool,
}

/// The pieces of a body, in their order; together they are all of it.
pub fn pieces(body: &str) -> Vec<Piece<'_>> {
    let mut pieces: Vec<(usize, usize, bool)> = Vec::new();
    let mut at = 0;
    let mut below = Below::Text;
    let mut lines = body.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        below = below.then(line, lines.peek().copied().unwrap_or_default());
        let is_written = below == Below::Text && !is_quoted(line);
        match pieces.last_mut() {
            Some(last) if last.2 == is_written => last.1 += line.len(),
            _ => pieces.push((at, at + line.len(), is_written)),
        }
        at += line.len();
    }
    let piece = |(from, to, is_written)| Some(Piece { text: body.get(from..to)?, is_written });
    pieces.into_iter().filter_map(piece).collect()
}

/// What was written alone.
pub fn written(body: &str) -> String {
    pieces(body).into_iter().filter(|piece| piece.is_written).map(|piece| piece.text).collect()
}

/// Below what a line stands, to the end of the body.
#[derive(Clone, Copy, PartialEq)]
enum Below {
    Text,
    Signature,
    /// A whole mail.
    Mail,
}

impl Below {
    fn then(self, line: &str, next: &str) -> Self {
        match self {
            Self::Mail => Self::Mail,
            _ if is_mail_begin(line) || is_header(line, next) => Self::Mail,
            Self::Text if is_signature_begin(line) => Self::Signature,
            other => other,
        }
    }
}

/// `-- `, which blanks may follow, or what telephones write below.
fn is_signature_begin(line: &str) -> bool {
    const BEGINS: [&str; 7] = [
        "Sent from my ",
        "Get Outlook for ",
        "Verzonden vanaf mijn ",
        "Verstuurd vanaf mijn ",
        "Von meinem ",
        "Envoyé de mon ",
        "Enviado desde mi ",
    ];
    line.trim_end() == "--" || BEGINS.iter().any(|begin| line.starts_with(begin))
}

/// The header of a mail that is answered, as Outlook writes it: from whom, and when or to whom.
fn is_header(line: &str, next: &str) -> bool {
    const FROM: [&str; 6] = ["from", "van", "von", "de", "da", "från"];
    const THEN: [&str; 19] = [
        "sent",
        "to",
        "date",
        "verzonden",
        "aan",
        "datum",
        "gesendet",
        "an",
        "envoyé",
        "à",
        "enviado",
        "para",
        "fecha",
        "inviato",
        "a",
        "data",
        "skickat",
        "till",
        "subject",
    ];
    let is_one = |line: &str, names: &[&str]| {
        let line = line.trim_matches(['*', ' ', '\t']);
        let name = line.split_once(':').filter(|(_, value)| value.starts_with([' ', '*', '\u{a0}']));
        name.is_some_and(|(name, _)| names.contains(&name.trim_end().to_lowercase().as_str()))
    };
    is_one(line, &FROM) && is_one(next, &THEN)
}

fn is_quoted(line: &str) -> bool {
    line.trim_start_matches([' ', '\t']).starts_with('>') || is_introduction(line)
}

/// `On Monday, Ada wrote:` above what is quoted, in the languages that mail programs speak most.
fn is_introduction(line: &str) -> bool {
    const ENDS: [&str; 9] =
        ["wrote:", "writes:", "schreef:", "schrieb:", "écrit :", "a écrit:", "escribió:", "ha scritto:", "escreveu:"];
    let line = line.trim();
    line.len() <= 200 && ENDS.iter().any(|end| line.ends_with(end))
}

/// `-----Original Message-----`, or the line of underscores above a forwarded mail's header.
fn is_mail_begin(line: &str) -> bool {
    let line = line.trim();
    let Some(rest) = line.strip_prefix("-----").or_else(|| line.strip_prefix("---------- ")) else {
        return line.len() >= 30 && line.bytes().all(|byte| byte == b'_');
    };
    let title = rest.trim_matches(['-', ' ']).to_lowercase().replace('’', "'");
    const TITLES: [&str; 9] = [
        "original message",
        "forwarded message",
        "oorspronkelijk bericht",
        "doorgestuurd bericht",
        "ursprüngliche nachricht",
        "weitergeleitete nachricht",
        "message d'origine",
        "mensaje original",
        "messaggio originale",
    ];
    TITLES.contains(&title.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_was_written_is_told_from_quotations_and_signatures() {
        assert_eq!(written("Yes.\nOn Monday, Ada wrote:\n> Shall we?\nFine."), "Yes.\nFine.");
        assert_eq!(written("Yes.\n-- \nAda\n+31 6"), "Yes.\n");
        assert_eq!(written("Yes.\n\n-----Original Message-----\nFrom: Ada\nShall we?"), "Yes.\n\n");
        assert_eq!(written("Oui.\n\n-----Message d’origine-----\nDe : Ada"), "Oui.\n\n");
        assert_eq!(written("Ja.\n\n*Van:* Ada <ada@x.nl>\n*Verzonden:* maandag\nMorgen?"), "Ja.\n\n");
        assert_eq!(written("Yes.\nSent from my telephone"), "Yes.\n");
        assert_eq!(written("From: the attic\nIt fell"), "From: the attic\nIt fell");
        assert_eq!(written("a > b\n-- no signature"), "a > b\n-- no signature");
    }

    proptest! {
        #[test]
        fn nothing_is_lost(body in "([\\PC>\n-]{0,12}|-- \n|> a\n|-----Original Message-----\n){0,12}") {
            prop_assert_eq!(pieces(&body).into_iter().map(|piece| piece.text).collect::<String>(), body);
        }
    }
}

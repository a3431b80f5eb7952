//! Whole mails, small ones: each shows one rule.

use super::*;

fn parsed(mail: &str) -> Email {
    parse(mail.as_bytes())
}

fn names(email: &Email) -> Vec<&str> {
    let attachments = email.attachments.iter();
    attachments.map(|file| file.filename.as_str()).collect()
}

#[test]
fn a_plain_mail_is_read() {
    let email = parsed(
        "Received: from a by b; Tue, 20 Aug 2002 12:00:05 +0000\r\n\
         Received: from c by a; Tue, 20 Aug 2002 12:00:01 +0000\r\n\
         From: =?utf-8?q?J=C3=B6rg?= <j@x.nl>\r\nTo: k@x.nl\r\nCc: Lee <l@x.nl>\r\n\
         Subject: a\r\n  long   line\r\nDate: Tue, 20 Aug 2002 14:00:00 +0200\r\n\
         Message-ID: <a@x>\r\nIn-Reply-To: <b@x>\r\nReferences: <c@x> <b@x> <a@x>\r\n\r\nHello\r\nyou\r\n",
    );
    let mailbox = |name: Option<&str>, address: &str| Mailbox { name: name.map(Into::into), address: address.into() };
    assert_eq!(email.message_id.as_deref(), Some("a@x"));
    assert_eq!(email.references, ["c@x", "b@x"]);
    assert_eq!(email.from, Some(mailbox(Some("Jörg"), "j@x.nl")));
    assert_eq!(email.to, [mailbox(None, "k@x.nl")]);
    assert_eq!(email.cc, [mailbox(Some("Lee"), "l@x.nl")]);
    assert_eq!(email.subject.as_deref(), Some("a long line"));
    let time = |at: Option<DateTime<Utc>>| at.map(|at| at.format("%T").to_string());
    assert_eq!(time(email.sent_at).as_deref(), Some("12:00:00"));
    assert_eq!(time(email.received_at).as_deref(), Some("12:00:05"));
    assert_eq!(email.text, "Hello\nyou");
    assert_eq!(email.html, None);
    assert_eq!(email.attachments, []);
}

#[test]
fn whatever_arrives_is_read() {
    let email = parsed("just words, no mail");
    assert_eq!(email.text, "just words, no mail");
    assert_eq!((email.from, email.message_id), (None, None));
    let email = parsed("From j@x.nl Tue Aug 20 12:00:00 2002\nSubject: x\n\nFrom here\n");
    assert_eq!(email.subject.as_deref(), Some("x"));
    assert_eq!(email.text, "From here");
    assert_eq!(parsed("\r\n\nSubject: x").subject.as_deref(), Some("x"));
    assert_eq!(parse(b"\xEF\xBB\xBFSubject: x").subject.as_deref(), Some("x"));
    assert_eq!(parsed("A: b\n\na\0b\rc").text, "a\u{FFFD}b\nc");
    assert_eq!(parsed("").text, "");
}

#[test]
fn the_sender_is_whoever_has_a_usable_address() {
    let from = |mail: &str| parsed(mail).from.map(|from| from.address);
    assert_eq!(from("From: root\nSender: <s@x>\n\n").as_deref(), Some("s@x"));
    assert_eq!(from("From: <>\nReply-To: r@x\n\n").as_deref(), Some("r@x"));
    assert_eq!(from("Return-Path: <p@x>\n\n").as_deref(), Some("p@x"));
    assert_eq!(from("From: a b, nobody\nReturn-Path: <>\n\n"), None);
}

#[test]
fn text_without_a_charset_is_guessed() {
    assert_eq!(parse(b"A: b\n\ncaf\xE9").text, "café");
    assert_eq!(parse("A: b\n\ncafé".as_bytes()).text, "café");
}

#[test]
fn html_alone_gives_the_text() {
    let email = parsed("Content-Type: text/html\n\n<p>Hello <b>you</b></p>");
    assert_eq!(email.text, "Hello you");
    assert_eq!(email.html.as_deref(), Some("<p>Hello <b>you</b></p>"));
}

#[test]
fn of_alternatives_each_is_used_for_what_it_is() {
    let email = parsed(
        "Content-Type: multipart/alternative; boundary=\"b\"\n\npreamble\n--b\n\nplain\n--b\n\
         Content-Type: text/html\n\n<i>rich</i>\n--b\nContent-Type: text/x-amp-html\n\namp\n--b--\nepilogue",
    );
    assert_eq!(email.text, "plain");
    assert_eq!(email.html.as_deref(), Some("<i>rich</i>"));
    assert_eq!(email.attachments, []);
    let blank = "Content-Type: multipart/alternative; boundary=b\n\n--b\n\n \n--b\n\
                 Content-Type: text/html\n\n<i>rich</i>\n--b--";
    assert_eq!(parsed(blank).text, "rich");
}

#[test]
fn inline_texts_are_joined() {
    let email = parsed(
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none <\n--b\n\ntwo\n--b\n\
         Content-Type: text/html\n\n<p>three</p>\n--b--",
    );
    assert_eq!(email.text, "one <\n\ntwo\n\nthree");
    let html = "<pre>one &lt;\n\ntwo</pre>\n<p>three</p>";
    assert_eq!(email.html.as_deref(), Some(html));
}

#[test]
fn named_parts_are_files_byte_for_byte() {
    let email = parse(
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b \r\n\
          Content-Type: text/plain; charset=iso-8859-1; name=\"=?iso-8859-1?q?caf=E9.txt?=\"\r\n\r\na\xE9\r\nb\r\n\r\n--b\r\n\
          Content-Disposition: attachment; filename*=utf-8''%e2%82%ac.bin\r\n\
          Content-Type: application/x\r\nContent-Transfer-Encoding: base64\r\n\r\nAAEC\r\n--b\r\n\
          Content-Type: image/gif; name=dir/x.gif\r\nContent-ID: <i@x>\r\n\r\nGIF\r\n--bb\r\n--b--\r\n",
    );
    assert_eq!(names(&email), ["café.txt", "€.bin", "x.gif"]);
    let contents: Vec<_> = email.attachments.iter().map(|f| &f.content[..]).collect();
    assert_eq!(contents, [&b"a\xE9\r\nb\r\n"[..], b"\0\x01\x02", b"GIF\r\n--bb"]);
    assert_eq!(email.attachments.last().unwrap().content_id.as_deref(), Some("i@x"));
    assert_eq!(email.text, "");
}

#[test]
fn a_part_is_named_by_its_id_or_its_location() {
    let id = |field: &str| {
        parsed(&format!("Content-Type: image/png\n{field}\n\nx")).attachments.remove(0).content_id.unwrap_or_default()
    };
    assert_eq!(id("Content-ID: <a@x>\nContent-Location: cid:b@x"), "a@x");
    assert_eq!(id("Content-Location: cid:b@x"), "b@x");
    assert_eq!(id("Content-Location: https://x/b.png"), "");
}

#[test]
fn a_name_in_pieces_is_put_together() {
    let email = parsed("Content-Type: application/pdf;\n name*0*=utf-8'en'a%20;\n name*1=\"b.pdf\"\n\nx");
    assert_eq!(names(&email), ["a b.pdf"]);
}

#[test]
fn a_name_in_its_charset_wins_over_the_plain_one() {
    let plain = "filename=\"Rechnung f_r; M_ller \\\" *=.pdf\"";
    let extended = "filename*=UTF-8''Rechnung%20f%C3%BCr%20M%C3%BCller.pdf";
    let pieces = "filename*1=\"M_ller.pdf\"; filename*0*=iso-8859-1''Rechnung%20f%FCr%20";
    for (first, second, name) in [
        (plain, extended, "Rechnung für Müller.pdf"),
        (extended, plain, "Rechnung für Müller.pdf"),
        (plain, pieces, "Rechnung für M_ller.pdf"),
        (pieces, plain, "Rechnung für M_ller.pdf"),
        (plain, "size=1", "Rechnung f_r; M_ller \" *=.pdf"),
    ] {
        let email = parsed(&format!("Content-Disposition: attachment; {first}; {second}\n\nx"));
        assert_eq!(names(&email), [name], "{first}; {second}");
    }
    let email = parsed("Content-Type: application/pdf; name=\"f_r.pdf\"; name*=UTF-8''f%C3%BCr.pdf\n\nx");
    assert_eq!(names(&email), ["für.pdf"]);
}

#[test]
fn nameless_files_get_a_name_and_parts_for_programs_are_left_out() {
    let email = parsed(
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: image/png\n\nx\n--b\n\
         Content-Type: application/pgp-signature\n\nx\n--b\nContent-Type: message/delivery-status\n\nx\n--b\n\
         Content-Type: application/pgp-signature; name=a.asc\n\nx\n--b\n\
         Content-Disposition: attachment\n\nx\n--b--",
    );
    assert_eq!(names(&email), ["image-1.png", "a.asc", "text-3.txt"]);
    assert_eq!(email.text, "");
}

#[test]
fn a_mail_within_is_a_file() {
    let email = parsed(
        "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: a\n\nx\n--b\n\
         Content-Type: message/rfc822; name=5637\n\nSubject: b\n\ny\n--b--",
    );
    assert_eq!(names(&email), ["message-1.eml", "5637"]);
    assert_eq!(email.attachments[0].content, b"Subject: a\n\nx");
    assert_eq!(email.attachments[0].content_type, "message/rfc822");
}

#[test]
fn a_single_named_text_is_both_read_and_kept() {
    let email = parsed("Content-Type: text/plain; name=a.txt\n\nhello");
    assert_eq!(email.text, "hello");
    assert_eq!(names(&email), ["a.txt"]);
    let pdf = parsed("Content-Type: application/pdf\n\nx");
    assert_eq!((names(&pdf), pdf.text.as_str()), (vec!["attachment-1.pdf"], ""));
    let odd = parsed("Content-Type: text/enriched\n\nhello");
    assert_eq!((names(&odd), odd.text.as_str()), (vec![], "hello"));
}

#[test]
fn broken_multiparts_still_show_their_text() {
    let unclosed = "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nhello\n--b\n\
                    Content-Type: image/png\nContent-Transfer-Encoding: base64\n\nAAEC";
    let email = parsed(unclosed);
    assert_eq!(email.text, "hello");
    assert_eq!(email.attachments[0].content, [0, 1, 2]);
    for header in ["multipart/mixed", "multipart/mixed; boundary=missing"] {
        let email = parsed(&format!("Content-Type: {header}\n\nhello"));
        assert_eq!((email.text.as_str(), names(&email)), ("hello", vec![]));
    }
}

#[test]
fn hostile_structures_take_no_time() {
    let nested = "Content-Type: message/rfc822\n\n".repeat(200_000) + "x";
    assert_eq!(parsed(&nested).attachments.len(), 1);
    let part = "--b\nContent-Type: multipart/x; boundary=none\n\nx\n".repeat(100_000);
    parsed(&format!("Content-Type: multipart/mixed; boundary=b\n\n{part}"));
    let deep: String =
        (0..5_000).map(|n| format!("--b{n}\nContent-Type: multipart/mixed; boundary=b{}\n\n", n + 1)).collect();
    parsed(&format!("Content-Type: multipart/mixed; boundary=b0\n\n{deep}"));
}

use super::*;

/// Writes these files into a new folder.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

/// Name within the folder and content of each mail, or the kind of its error.
fn found(folder: &tempfile::TempDir, path: &str, max_bytes: u64) -> Vec<(String, String)> {
    let path = folder.path().join(path);
    let items: Vec<_> = mails(std::slice::from_ref(&path), max_bytes).collect();
    let consumed: u64 = items.iter().map(|item| item.consumed).sum();
    assert_eq!(consumed, total_bytes(&[path]));
    let prefix = format!("{}/", folder.path().display());
    items
        .into_iter()
        .map(|item| {
            let content = match item.raw {
                Ok(raw) => String::from_utf8(raw).unwrap(),
                Err(error) => format!("{:?}", error.kind()),
            };
            (item.name.replace(&prefix, ""), content)
        })
        .collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(name, content): &(&str, &str)| ((*name).to_owned(), (*content).to_owned());
    expected.iter().map(owned).collect()
}

#[test]
fn folders_are_read_in_order() {
    let files = [("a/2", "two"), ("a/1", "one"), ("b", "three"), (".note", "x")];
    let folder = folder(&files);
    let expected = pairs(&[("a/1", "one"), ("a/2", "two"), ("b", "three")]);
    assert_eq!(found(&folder, "", 100), expected);
    assert_eq!(found(&folder, "a/2", 100), pairs(&[("a/2", "two")]));
}

#[test]
fn of_a_maildir_only_delivered_mails_are_read() {
    let folder = folder(&[
        ("m/cur/1:2,S", "one"),
        ("m/new/2", "two"),
        ("m/tmp/3", "x"),
        ("m/index", "x"),
        ("m/.Sent/cur/4", "four"),
        ("m/.Sent/new/5", "five"),
        ("m/.Sent/tmp/6", "x"),
    ]);
    let contents: Vec<_> = found(&folder, "m", 100).into_iter().map(|m| m.1).collect();
    assert_eq!(contents, ["four", "five", "one", "two"]);
}

#[test]
fn an_mbox_is_split_and_unquoted() {
    let folder = folder(&[(
        "x.mbox",
        "From a@x Tue Aug 20 12:00:00 2002\nA: 1\n\none\n>From here\n>>From there\n> From\n\n\
             From - Tue Aug 20 12:00:00 2002\r\nB: 2\r\n\r\ntwo\nFrom a@x Tue Aug 20 12:00:00 2002\n\n\
             From the start it was prose\n\nFrom c@x\nC: 3\n\n",
    )]);
    assert_eq!(
        found(&folder, "x.mbox", 200),
        pairs(&[
            ("x.mbox#1", "A: 1\n\none\nFrom here\n>From there\n> From\n"),
            ("x.mbox#2", "B: 2\r\n\r\ntwo\nFrom a@x Tue Aug 20 12:00:00 2002\n\nFrom the start it was prose\n"),
            ("x.mbox#3", "C: 3\n\n"),
        ])
    );
}

#[test]
fn a_single_mail_may_begin_with_its_envelope() {
    let mail = "A: 1\n\none\n>From here\n\n";
    let saved = format!("From a@x Tue Aug 20 12:00:00 2002\n{mail}");
    let folder = folder(&[("1.txt", &saved)]);
    let expected = pairs(&[("1.txt", mail)]);
    assert_eq!(found(&folder, "", 100), expected);
}

#[test]
fn mails_that_are_too_large_are_skipped() {
    let envelope = "From a@x Tue Aug 20 12:00:00 2002\n";
    let long = "x".repeat(300_000);
    let mbox = format!("{envelope}{long}\n\n{envelope}0123456789\n\n{envelope}01234567890\n\n");
    let folder = folder(&[("a", &mbox), ("b", &long), ("c", "0123456789\n")]);
    let expected = [
        ("a#1", "FileTooLarge"),
        ("a#2", "0123456789\n"),
        ("a#3", "FileTooLarge"),
        ("b", "FileTooLarge"),
        ("c", "0123456789\n"),
    ];
    assert_eq!(found(&folder, "", 11), pairs(&expected));
}

#[test]
fn what_cannot_be_read_is_reported_and_the_rest_follows() {
    let folder = folder(&[("a", "one")]);
    let paths = [folder.path().join("missing"), folder.path().join("a")];
    let kinds: Vec<_> = mails(&paths, 100).map(|mail| mail.raw.map_err(|error| error.kind())).collect();
    assert_eq!(kinds, [Err(ErrorKind::NotFound), Ok(b"one".to_vec())]);
}

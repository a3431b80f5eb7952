use super::*;

fn clean(html: &str) -> String {
    sanitise(html, |id| (id == "logo@x").then(|| "/files/1?s=2".to_owned()))
}

#[test]
fn nothing_runs_and_nothing_is_submitted() {
    for hostile in [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<svg onload=alert(1)><script>alert(1)</script></svg>",
        "<math><mi><style><img src=x onerror=alert(1)></style></mi></math>",
        "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\"></noscript>",
        "<a href='javascript:alert(1)'>x</a>",
        "<a href='java\tscript:alert(1)'>x</a>",
        "<a href='&#106;avascript:alert(1)'>x</a>",
        "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
        "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
        "<object data=alert(1)></object><embed src=alert(1)>",
        "<form action='https://x/alert'><input name=alert><button>x</button></form>",
        "<style>@import 'https://x/alert'</style><link rel=stylesheet href='https://x/alert'>",
        "<meta http-equiv=refresh content='0;url=https://x/alert'><base href='https://x/alert/'>",
        "<div style=\"background:url(https://x/alert)\">x</div>",
        "<body background='https://x/alert' onload=alert(1)>x",
        "<video poster='https://x/alert' src='https://x/alert'></video>",
    ] {
        let cleaned = clean(hostile);
        assert!(!cleaned.contains("alert"), "{hostile} gave {cleaned}");
        assert!(!cleaned.contains("on"), "{hostile} gave {cleaned}");
    }
}

#[test]
fn styles_stay_in_their_place() {
    assert_eq!(
        clean("<p style=\"color:red;position:fixed;top:0;margin:-9px;background-image:url(https://x)\">x</p>"),
        "<p style=\"color:red\">x</p>"
    );
    assert_eq!(clean("<p class=modal id=app>x</p>"), "<p>x</p>");
}

#[test]
fn links_open_elsewhere_and_tell_nothing() {
    assert_eq!(
        clean("<a href=\"https://x.nl/a\" target=_top rel=opener>x</a>"),
        "<a href=\"https://x.nl/a\" target=\"_blank\" rel=\"noopener noreferrer nofollow\">x</a>"
    );
    for href in ["/v1/me", "//x.nl", "cid:logo@x", "file:///etc/passwd"] {
        assert!(!clean(&format!("<a href='{href}'>x</a>")).contains("href"), "{href}");
    }
}

#[test]
fn images_sent_along_are_shown() {
    let shown = "<img src=\"/files/1?s=2\" alt=\"logo\">";
    assert_eq!(clean("<img src=\"cid:logo@x\" alt=\"logo\">"), shown);
    assert_eq!(clean("<img src=\"CID:logo%40x\" alt=\"logo\">"), shown);
    assert_eq!(clean("<img src=\"cid:other\" alt=\"logo\">"), "<img alt=\"logo\">");
}

#[test]
fn only_images_that_stay_are_shown() {
    for shown in ["<img src='cid:logo@x'>", "<image src='&#99;id:logo%40x'>", "<p><b><IMG alt=logo SRC=cid:logo@x></p>"]
    {
        assert_eq!(shown_images(shown), HashSet::from(["logo@x".to_owned()]), "{shown}");
    }
    for dropped in [
        "<a href='cid:logo@x'>logo</a>",
        "see cid:logo@x",
        "<!-- <img src='cid:logo@x'> -->",
        "<p style='background:url(cid:logo@x)'>x</p>",
        "<table background='cid:logo@x'></table>",
        "<img srcset='cid:logo@x' alt='cid:logo@x'>",
        "<input type=image src='cid:logo@x'><video src='cid:logo@x'></video>",
        "<svg><image src='cid:logo@x'></image><foreignObject><img src='cid:logo@x'></foreignObject></svg>",
        "<noscript><img src='cid:logo@x'></noscript><object><img src='cid:logo@x'></object>",
        &format!("<img src='cid:logo@x'>{}", "<p>".repeat(MAX_BYTES)),
    ] {
        assert_eq!(shown_images(dropped), HashSet::new(), "{dropped}");
        assert!(!clean(dropped).contains("/files/1"), "{dropped}");
    }
}

#[test]
fn images_elsewhere_are_not_fetched() {
    for src in ["https://x.nl/p.gif", "//x.nl/p.gif", "/p.gif", "data:image/gif;base64,AA=="] {
        let html = format!("<img src=\"{src}\" srcset=\"{src} 2x\" alt=\"logo\">");
        assert_eq!(clean(&html), "<img alt=\"logo\">", "{src}");
    }
}

#[test]
fn a_usual_mail_keeps_its_look() {
    let html = "<table width=\"600\" bgcolor=\"#fff\"><tbody><tr><td valign=\"top\"><font color=\"red\"><b>Hi</b>\
                    </font><br><center>there</center></td></tr></tbody></table>";
    assert_eq!(clean(&format!("<html><head><title>t</title></head><body>{html}</body></html>")).len(), html.len());
}

#[test]
fn formatting_is_kept_even_when_misnested() {
    assert_eq!(clean("<B>a<i>b</B>c</i><x-b>"), "<b>a<i>b</i></b>c<b></b>");
    assert_eq!(clean("<font color=red size=2>a</font> &lt;b&gt;"), "<font color=\"red\" size=\"2\">a</font> &lt;b&gt;");
}

#[test]
fn html_becomes_readable_text() {
    let html = "<html><head><title>t</title><style>p{}</style></head><body><h1>Hello</h1>\
                    <p>C<b>af</b>&eacute; <a href='https://x.nl'>menu</a></p><table><tr><td>one</td>\
                    <td>two</td></tr></table><ul><li>a<li>b</ul><iframe>alert(1)</iframe>";
    assert_eq!(to_text(html), "Hello\n\nCafé menu\n\none two\na\nb");
    let reply = "<p>Yes</p><blockquote type=cite><p>Shall we?<br>Ada</p><blockquote>Deep</blockquote></blockquote>";
    assert_eq!(to_text(reply), "Yes\n\n> Shall we?\n> Ada\n>\n> > Deep");
    assert_eq!(tidy("\n\na \u{200C}\n\n\n\u{00A0}\nb\n\n"), "a\n\nb");
}

#[test]
fn hostile_html_takes_neither_time_nor_memory() {
    let fonts: String = (0..150).map(|n| format!("<font size={n}>")).collect();
    let reopened = format!("<p>{fonts}{}", "<p>x".repeat(10_000));
    let deep = "<div>".repeat(100_000);
    let long = "<p>x".repeat(200_000);
    let quoted = "<blockquote>".repeat(150) + &"x<br>".repeat(10_000);
    for html in [reopened, deep, long, quoted] {
        let html = html + "end";
        assert!(to_text(&html).ends_with("end"));
        assert!(clean(&html).len() < html.len() * 5);
    }
}

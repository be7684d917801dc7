//! `prep inspect`: duplicates, histograms and the page.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use common::Run;
use schemas::{Anchor, Manifest, Origin, Page, Segment, SegmentKind, ShardWriter, Span, Triple};
use serde_json::{Value, json};

const PREP: &str = env!("CARGO_BIN_EXE_prep");

/// What would break a page that does not escape it.
const HOSTILE: &str = "</script><script src=x>\u{1b}[2J\" onload='x' & <b>Ödön</b>";

fn prep(dir: &Path, options: &[&str]) -> Run {
    let dir = dir.display().to_string();
    common::run(PREP, [&["inspect", &dir], options].concat())
}

/// Sentences as context, starts of `PER` answers of two chars, and starts of `<b>` answers.
fn triples(dir: &Path, sentences: &[(&str, &[u32], &[u32])]) {
    let mut writer = ShardWriter::create(dir, false, Manifest::new("test 0", "test", json!({}))).unwrap();
    for (number, (context, per, other)) in (0..).zip(sentences) {
        for (label, starts) in [("PER", per), ("<b>", other)] {
            let text = |start: u32| context.chars().skip(start as usize).take(2).collect();
            let span = |&start: &u32| Span { start, end: start + 2, text: text(start), origin: Origin::Gold, score: None };
            let spans: Vec<Span> = starts.iter().map(span).collect();
            let row = Triple {
                id: format!("{HOSTILE}:{number}:{label}"),
                doc: HOSTILE.to_owned(),
                sentence: number,
                lang: "en".to_owned(),
                label: label.to_owned(),
                query: format!("{label}? {HOSTILE}"),
                context: (*context).to_owned(),
                impossible: spans.is_empty(),
                spans,
            };
            writer.write(row).unwrap();
        }
    }
    writer.finish(Vec::new(), Default::default(), None).unwrap();
}

fn pages(dir: &Path) {
    let mut writer = ShardWriter::create(dir, false, Manifest::new("test 0", "test", json!({}))).unwrap();
    for number in 0..3 {
        let anchor = Anchor { start: 0, end: 2, text: "</".into(), target: HOSTILE.into(), fragment: None };
        let text = HOSTILE.repeat(9);
        let end = text.chars().count() as u32;
        writer
            .write(Page {
                page_id: number,
                title: HOSTILE.into(),
                text: text.into(),
                anchors: vec![anchor],
                segments: vec![Segment { start: 0, end, kind: SegmentKind::Paragraph, level: 0 }],
                sentences: std::iter::once(0..end).collect(),
                ..Page::default()
            })
            .unwrap();
    }
    writer.finish(Vec::new(), Default::default(), None).unwrap();
}

#[test]
fn duplicates_and_histograms() {
    let dir = tempfile::tempdir().unwrap();
    triples(
        dir.path(),
        &[
            ("Ödön met Bo", &[0, 9], &[]),
            ("Ed", &[], &[0]),
            ("Ödön met Bo", &[0, 9], &[]),
            ("Ed", &[0], &[]),
            ("Ed", &[], &[0]),
            ("x", &[], &[]),
        ],
    );
    let json: Value = serde_json::from_str(&prep(dir.path(), &["--json"]).ok().stdout).unwrap();
    for (pointer, expected) in [
        ("/sentences", json!(6)),
        ("/duplicates/texts", json!(2)),
        ("/duplicates/copies", json!(3)),
        ("/duplicates/differing", json!(1)),
        ("/duplicates/unknown", json!(0)),
        ("/duplicates/most/0", json!({"text": "Ed", "count": 3})),
        ("/duplicates/most/1", json!({"text": "Ödön met Bo", "count": 2})),
        (
            "/histograms/spans_per_sentence",
            json!([{"from": 0, "to": 0, "count": 1}, {"from": 1, "to": 1, "count": 3}, {"from": 2, "to": 2, "count": 2}]),
        ),
        ("/histograms/context_chars/0", json!({"from": 1, "to": 1, "count": 1})),
        ("/samples/0/label", json!("PER")),
    ] {
        assert_eq!(json.pointer(pointer), Some(&expected), "{pointer} of {json:#}");
    }
    let text = prep(dir.path(), &[]).ok().stdout;
    assert!(text.contains("duplicates      3 copies of 2 texts, 1 with other spans"), "{text}");
    assert!(!text.contains('\u{1b}'), "no control characters of the rows: {text}");
    let text = prep(dir.path(), &["--label", "PER"]).ok().stdout;
    assert!(text.contains("duplicates      3 copies of 2 texts, 1 with other spans"), "{text}");

    let dir = tempfile::tempdir().unwrap();
    pages(dir.path());
    let json: Value = serde_json::from_str(&prep(dir.path(), &["--json"]).ok().stdout).unwrap();
    assert_eq!((&json["duplicates"]["texts"], &json["duplicates"]["copies"]), (&json!(1), &json!(2)));
    assert_eq!(json["histograms"]["anchors_per_page"], json!([{"from": 1, "to": 1, "count": 3}]));
}

/// The tags of a page, each as often as it is opened; fails where one is not closed in its order.
fn tags(html: &str) -> Vec<String> {
    let mut open: Vec<String> = Vec::new();
    let mut found = Vec::new();
    let mut rest = html.strip_prefix("<!doctype html>").unwrap();
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let name: String = rest.chars().take_while(|char| char.is_ascii_alphanumeric() || *char == '/').collect();
        let end = rest.find('>').unwrap();
        assert!(!name.is_empty(), "a bare < before {:?}", &rest[..40.min(rest.len())]);
        if let Some(name) = name.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "before {:?}", &rest[end..(end + 40).min(rest.len())]);
        } else {
            // What has no end tag, and what holds text that is no HTML.
            if name == "script" || name == "style" {
                rest = &rest[rest.find(&format!("</{name}>")).unwrap()..];
            }
            if !["meta", "input"].contains(&name.as_str()) && !rest[..end.min(rest.len())].ends_with('/') {
                open.push(name.clone());
            }
            found.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?} are open at the end");
    found
}

#[test]
fn the_page_stands_alone_and_escapes_everything() {
    let dir = tempfile::tempdir().unwrap();
    let (rows, wiki, page) = (dir.path().join("<rows>"), dir.path().join("wiki"), dir.path().join("page.html"));
    let long = format!("{HOSTILE} {}", "x".repeat(500));
    triples(&rows, &[(&long, &[0, 3, 4], &[0]), (HOSTILE, &[1], &[]), (HOSTILE, &[], &[])]);
    pages(&wiki);
    for (folder, articles, scripts) in [(&rows, 3, 1), (&wiki, 3, 1)] {
        let run = prep(folder, &["--html", &page.display().to_string()]).ok();
        assert!(run.stdout.is_empty() && run.stderr.contains("page.html"), "{}", run.stderr);
        let html = fs::read_to_string(&page).unwrap();
        let tags = tags(&html);
        let count = |name: &str| tags.iter().filter(|tag| *tag == name).count();
        assert_eq!((count("article"), count("script"), count("body")), (articles, scripts, 1));
        assert!(count("svg") >= 1 && count("mark") >= 3);
        let known = "html head meta title style body header h1 p main section div b i span h2 svg rect line text form select option input button output article mark q script";
        let known: BTreeSet<&str> = known.split(' ').collect();
        assert!(tags.iter().all(|tag| known.contains(tag.as_str())), "{tags:?}");
        for outside in ["href", " src=", "http:", "https:", "url(", "@import", "fetch(", "\u{1b}"] {
            let html = html.replace("&lt;script src=x&gt;", "").replace("<script src=x>", "");
            assert!(!html.contains(outside), "{outside:?} is in the page");
        }
        assert!(!html.contains("<b>Ödön") && !html.contains("<script src"), "text of the rows is markup");
        assert!(html.contains("default-src 'none'"));
    }
    assert!(prep(&rows, &["--html", &page.display().to_string(), "--sample", "1", "-q"]).ok().stderr.is_empty());
    assert_eq!(tags(&fs::read_to_string(&page).unwrap()).iter().filter(|tag| *tag == "article").count(), 1);
}

#[test]
fn a_page_replaces_nothing_but_a_page() {
    let dir = tempfile::tempdir().unwrap();
    let (rows, notes) = (dir.path().join("rows"), dir.path().join("notes.html"));
    triples(&rows, &[("Ed", &[0], &[])]);
    fs::write(&notes, "mine").unwrap();
    prep(&rows, &["--html", &notes.display().to_string()]).fails(&["notes.html exists and is not a report of prep inspect"]);
    assert_eq!(fs::read_to_string(&notes).unwrap(), "mine");
    let both = prep(&rows, &["--html", "x.html", "--json"]);
    assert_eq!(both.code, 2, "{}", both.stderr);
}

//! Arbitrary and hostile wikitext: linear time, valid offsets.

use proptest::prelude::*;
use schemas::Row;
use schemas::char_slice;

use super::support::{extractor, extractor_with, options};
use crate::sentence::split_page;
use crate::wikitext::extract_options::ExtractOptions;
use crate::wikitext::extractor::ExtractedPage;
use crate::wikitext::markers::{is_marker, unprotect};

/// The inputs of the bench that searches for superlinear time.
#[allow(dead_code)]
#[path = "../../../benches/worst_inputs/constructs.rs"]
mod constructs;

/// Every seventh pair of constructs.
#[test]
fn pairs_of_constructs_give_valid_pages() {
    let extractor = extractor_with("zh", ExtractOptions { captions: true, tables: true, ..options("zh") });
    for input in constructs::paired_inputs().iter().step_by(7) {
        if let Some(wikitext) = input.wikitext(200) {
            assert_eq!(check_page(extractor.extract("x", &wikitext)), Ok(()), "{}", input.name());
        }
    }
}

/// Pages of two megabytes of repeated syntax take linear time. `benches/worst_inputs` searches for more of the kind.
#[test]
fn hostile_pages() {
    let extractor = extractor("zh");
    let all = extractor_with("zh", ExtractOptions { captions: true, tables: true, ..options("zh") });
    for unit in [
        "[[File:a|[[File:b|c]]",
        "|}\n",
        "{|\n|a||b\n",
        "<gallery>File:a|b\n",
        "<poem>\n",
        "-{H|zh-cn:a;zh-tw:b}-b",
        "[[",
        "{{",
        "]]",
        "}}",
        "{|\n",
        "<!--",
        "<ref>",
        "[[File:",
        "[[a|",
        "{{a|",
        "-{",
        "''",
        "'''",
        "[http://x ",
        "<b ",
        "{{{",
        "<nowiki>",
        "{{nowrap|",
        "[[a]]",
        "{{a}}",
        "(",
        "&",
        "=",
        "\n=",
        "<table>",
        "-{zh-hans:",
        "__",
        "<br>",
        "<!-- -->\n",
        "<b a=\"",
        "[[&",
        "[[%4",
        "＿＿",
        "; <b>a:",
        "; [//x a:[[",
        "<i>:",
        "好。",
        "“好。",
        "<!----> ",
        "{{x}},{{x}};",
        "-{a}-({{x}})",
    ] {
        let page = unit.repeat(2_000_000 / unit.len());
        // No clock: quadratic time would be hours, so that the test would not end.
        for extractor in [&extractor, &all] {
            extractor.extract("x", &page);
        }
    }
    for (open, close) in [
        ("{{nowrap|x ", "}}"),
        ("{{x|x ", "}}"),
        ("{", "}"),
        ("-{a", "}-"),
        ("<table>\n", "|}\n"),
        ("{|\n", "</table>\n"),
        ("-{a", ";a"),
        ("-{H|", "a=>zh-cn:b;"),
        (" ", "<!---->"),
        ("[[a|,", "{{x}};"),
    ] {
        extractor.extract("x", &format!("{}{}", open.repeat(1_000_000 / open.len()), close.repeat(1_000_000 / close.len())));
    }
    let alternatives: String = (0..50_000).map(|number| format!("zh-cn:{number};")).collect();
    let rules = "-{H|zh-cn:a;zh-tw:b}-b".repeat(900);
    extractor.extract("x", &format!("-{{H|{alternatives}}}-{rules}-{{{}}}-", "a;".repeat(500_000)));
    extractor.extract(&"x".repeat(1000), &"{{PAGENAME}}".repeat(100_000));
    let prefix = ";".repeat(500_000);
    for unit in ["{{nowrap|a:b}}", "<b>a:</b>", "[http://x a:b]"] {
        extractor.extract("x", &format!("{prefix}{}", unit.repeat(1_000_000 / unit.len())));
    }
    extractor.extract("x", &format!("; {{{{nowrap|:{}}}}}", "[[".repeat(500_000)));
}

proptest! {
    #[test]
    fn offsets_are_valid_for_any_wikitext(
        pieces in proptest::collection::vec(
            prop::sample::select(vec![
                "[[", "]]", "|", "{{", "}}", "{{{", "}}}", "-{", "}-", "zh-hans:", ";", "''", "'''", "\n", "=", "==", "*", ":", " ", "<ref>",
                "</ref>", "<br>", "<nowiki>", "</nowiki>", "{|", "|}", "<!--", "-->", "[http://x ", "]", "&lt;", "File:", "Category:", "en:",
                "word", "字", "後", "🎉", "(", ")", "（", "）", "nowrap", "lang", "'", "#", "<", ">", "__NOTOC__", "\u{FDD2}", "H|", "A|",
                ". ", "。", "”",
            ]),
            0..40,
        ),
    ) {
        prop_assert_eq!(check_page(extractor("zh").extract("x", &pieces.concat())), Ok(()));
    }
}

/// The first offset of a page that is wrong.
fn check_page(found: ExtractedPage) -> Result<(), String> {
    let ExtractedPage { text, anchors, segments, .. } = found;
    let mut last = 0;
    for anchor in &anchors {
        if anchor.start < last || anchor.start >= anchor.end || char_slice(&text, anchor.start, anchor.end) != Some(&*anchor.text) {
            return Err(format!("{anchor:?} after {last}"));
        }
        last = anchor.end;
    }
    let mut last = 0;
    for segment in &segments {
        if segment.start < last || segment.start >= segment.end || char_slice(&text, segment.start, segment.end).is_none() {
            return Err(format!("{segment:?} after {last}"));
        }
        last = segment.end;
    }
    if let Some(marker) = text.chars().find(|&c| is_marker(c) || unprotect(c).is_some()) {
        return Err(format!("{marker:?} in the text"));
    }
    let sentences = split_page("zh", &text, &segments, &anchors);
    let page = schemas::Page { text: text.into(), anchors, segments, sentences, ..schemas::Page::default() };
    page.check().map_err(|error| error.to_string())
}

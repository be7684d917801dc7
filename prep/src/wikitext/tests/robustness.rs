//! Arbitrary and hostile wikitext: linear time, valid offsets.

use proptest::prelude::*;
use schemas::Row;
use schemas::char_slice;

use super::support::{extractor, extractor_with, options};
use crate::sentence::split_page;
use crate::wikitext::extract_options::ExtractOptions;
use crate::wikitext::extractor::ExtractedPage;
use crate::wikitext::markers::{is_marker, unprotect};

/// Pages of two megabytes of repeated syntax take linear time.
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
    ] {
        let page = unit.repeat(2_000_000 / unit.len());
        // No clock: quadratic time would be hours, so that the test would not end.
        for extractor in [&extractor, &all] {
            extractor.extract("x", &page);
        }
    }
    let nested = format!("{}{}", "{{nowrap|x ".repeat(50_000), "}}".repeat(50_000));
    extractor.extract("x", &nested);
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
        let found = extractor("zh").extract("x", &pieces.concat());
        let mut last = 0;
        for anchor in &found.anchors {
            prop_assert!(anchor.start >= last && anchor.start < anchor.end);
            prop_assert_eq!(char_slice(&found.text, anchor.start, anchor.end), Some(&*anchor.text));
            last = anchor.end;
        }
        let mut last = 0;
        for segment in &found.segments {
            prop_assert!(segment.start >= last && segment.start < segment.end);
            prop_assert!(char_slice(&found.text, segment.start, segment.end).is_some());
            last = segment.end;
        }
        let sentences = split_page("zh", &found.text, &found.segments);
        let ExtractedPage { text, anchors, segments, .. } = found.clone();
        let page = schemas::Page { text: text.into(), anchors, segments, sentences, ..schemas::Page::default() };
        prop_assert_eq!(page.check(), Ok(()));
        prop_assert!(!found.text.chars().any(|c| is_marker(c) || unprotect(c).is_some()));
    }
}

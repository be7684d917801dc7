//! `WikitextExtractor` and `split_page`: any wikitext gives anchors and segments that are ascending slices of the text, and a valid row.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use prep::sentence::split_page;
use prep::source::SiteInfo;
use prep::wikitext::{ChineseVariant, ExtractOptions, ExtractedPage, Wiki, WikitextExtractor};
use schemas::{Page, Row, char_slice};

static EXTRACTORS: LazyLock<Vec<WikitextExtractor>> = LazyLock::new(|| {
    let extractor = |lang, variant, all| {
        WikitextExtractor::new(Wiki::new(&SiteInfo::default(), lang), ExtractOptions { variant, captions: all, tables: all })
    };
    vec![
        extractor("en", ChineseVariant::Unconverted, true),
        extractor("zh", ChineseVariant::Simplified, false),
        extractor("zh", ChineseVariant::Traditional, true),
    ]
});

fuzz_target!(|data: &[u8]| {
    let wikitext = String::from_utf8_lossy(data);
    for extractor in EXTRACTORS.iter() {
        let found = extractor.extract("Title", &wikitext);
        let mut last = 0;
        for anchor in &found.anchors {
            assert!(anchor.start >= last && anchor.start < anchor.end);
            assert_eq!(char_slice(&found.text, anchor.start, anchor.end), Some(&*anchor.text));
            last = anchor.end;
        }
        let mut last = 0;
        for segment in &found.segments {
            assert!(segment.start >= last && segment.start < segment.end);
            assert!(char_slice(&found.text, segment.start, segment.end).is_some());
            last = segment.end;
        }
        let sentences = split_page(&extractor.wiki().lang, &found.text, &found.segments, &found.anchors);
        let ExtractedPage { text, anchors, segments, .. } = found;
        let page = Page { text: text.into(), anchors, segments, sentences, ..Page::default() };
        assert_eq!(page.check(), Ok(()));
    }
});

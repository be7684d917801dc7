//! Any wikitext gives text whose anchors and segments are slices of it, in order, with all prose in sentences.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use prep::sentence;
use prep::source::SiteInfo;
use prep::wikitext::{ExtractedPage, WikitextExtractor, ExtractOptions, ChineseVariant, Wiki};
use schemas::char_slice;
use schemas::{Page, Row};

static EXTRACTORS: LazyLock<Vec<WikitextExtractor>> = LazyLock::new(|| {
    let extractor = |lang, variant, all| {
        WikitextExtractor::new(Wiki::new(&SiteInfo::default(), lang), ExtractOptions { variant, captions: all, tables: all })
    };
    vec![extractor("en", ChineseVariant::Unconverted, true), extractor("zh", ChineseVariant::Simplified, false), extractor("zh", ChineseVariant::Traditional, true)]
});

fuzz_target!(|data: &[u8]| {
    let wikitext = String::from_utf8_lossy(data);
    for extractor in EXTRACTORS.iter() {
        let extract = extractor.extract("Title", &wikitext);
        let mut last = 0;
        for anchor in &extract.anchors {
            assert!(anchor.start >= last && anchor.start < anchor.end);
            assert_eq!(char_slice(&extract.text, anchor.start, anchor.end), Some(&*anchor.text));
            last = anchor.end;
        }
        let mut last = 0;
        for segment in &extract.segments {
            assert!(segment.start >= last && segment.start < segment.end);
            assert!(char_slice(&extract.text, segment.start, segment.end).is_some());
            last = segment.end;
        }
        let sentences = sentence::split_page(&extractor.wiki().lang, &extract.text, &extract.segments);
        let ExtractedPage { text, anchors, segments, .. } = extract;
        let page = Page { text: text.into(), anchors, segments, sentences, ..Page::default() };
        assert_eq!(page.check(), Ok(()));
    }
});

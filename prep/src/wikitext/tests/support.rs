//! Helpers for the cases: wikitext, clean text, and anchors as `text→target`.

use schemas::char_slice;

use crate::source::SiteInfo;
use crate::wikitext::extract_options::ExtractOptions;
use crate::wikitext::extractor::WikitextExtractor;
use crate::wikitext::script_converter::ChineseVariant;
use crate::wikitext::wiki::Wiki;

/// The defaults of a language.
pub fn options(lang: &str) -> ExtractOptions {
    ExtractOptions { variant: ChineseVariant::default_of(lang), captions: false, tables: false }
}

/// An extractor with the built-in templates.
pub fn extractor_with(lang: &str, options: ExtractOptions) -> WikitextExtractor {
    WikitextExtractor::new(Wiki::new(&SiteInfo::default(), lang), options)
}

/// An extractor with the defaults of a language.
pub fn extractor(lang: &str) -> WikitextExtractor {
    extractor_with(lang, options(lang))
}

/// Checks cases `(wikitext, text, anchors)` with the defaults of a language.
pub fn check(lang: &str, cases: &[(&str, &str, &str)]) {
    check_with(&extractor(lang), cases);
}

/// Checks cases `(wikitext, text, anchors)`.
pub fn check_with(extractor: &WikitextExtractor, cases: &[(&str, &str, &str)]) {
    for (wikitext, text, anchors) in cases {
        let page = extractor.extract("Page", wikitext);
        assert_eq!(page.text, *text, "text of {wikitext:?}");
        let found: Vec<String> = page
            .anchors
            .iter()
            .map(|anchor| {
                assert_eq!(char_slice(&page.text, anchor.start, anchor.end), Some(&*anchor.text));
                let fragment = anchor.fragment.as_ref().map(|fragment| format!("#{fragment}")).unwrap_or_default();
                format!("{}→{}{fragment}", anchor.text, anchor.target)
            })
            .collect();
        assert_eq!(found.join("; "), *anchors, "anchors of {wikitext:?}");
    }
}

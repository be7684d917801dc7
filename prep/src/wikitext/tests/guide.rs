//! The examples of `prep/docs/wikitext.md`: every table whose header is `Wikitext (language)`, `Text`, `Anchors`.
#![allow(clippy::unwrap_used)]

use super::support::{check_with, options};
use crate::source::SiteInfo;
use crate::wikitext::extractor::WikitextExtractor;
use crate::wikitext::template_table::TemplateTable;
use crate::wikitext::wiki::Wiki;

const GUIDE: &str = include_str!("../../../docs/wikitext.md");

/// The cells of a table row. `\|` is a pipe, `⏎` a line feed, and the backticks around a cell are removed.
fn cells(line: &str) -> Option<Vec<String>> {
    let line = line.strip_prefix("| ")?.strip_suffix('|')?.replace("\\|", "\u{0}");
    let cell = |cell: &str| cell.trim().trim_matches('`').replace('\u{0}', "|").replace('⏎', "\n");
    Some(line.split('|').map(cell).collect())
}

#[test]
fn examples_of_the_guide_are_true() {
    let own_templates = GUIDE.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let templates = TemplateTable::built_in().with(own_templates).unwrap();
    let mut extractor = None;
    let mut examples = 0;
    for line in GUIDE.lines() {
        let Some(cells) = cells(line) else {
            // A separator row `|---|` is not the end of a table.
            extractor = extractor.filter(|_| line.starts_with('|'));
            continue;
        };
        if let Some(header) = cells[0].strip_prefix("Wikitext (") {
            let lang = header.split([',', ')']).next().unwrap();
            let wiki = Wiki::new(&SiteInfo::default(), lang);
            let wiki = if header.contains("these templates") { wiki.with_templates(templates.clone()) } else { wiki };
            extractor = Some(WikitextExtractor::new(wiki, options(lang)));
        } else if let Some(extractor) = &extractor {
            check_with(extractor, &[(&cells[0], &cells[1], &cells[2])]);
            examples += 1;
        }
    }
    assert!(examples > 30, "{examples} examples found");
}

//! `prep esi`: dumps or folders of pages to triples of stage 1 (entity span identification).

use std::collections::BTreeMap;

use schemas::{Page, QuerySet};

use super::page_job::{Additions, PageJob};
use crate::config::Runtime;
use crate::config::pages::EsiConfig;
use crate::label::esi;
use crate::label::triple_sink::TripleSink;
use crate::run::manifest_config::ManifestTripleConfig;
use crate::wikitext::WikitextExtractor;

/// Runs `prep esi`.
///
/// # Errors
/// As `prep pages`, and a folder of pages that is not complete.
pub fn run(config: &EsiConfig, runtime: &Runtime) -> anyhow::Result<()> {
    let job = PageJob::open(&config.job, runtime)?;
    let mut queries: BTreeMap<String, QuerySet> = BTreeMap::new();
    for lang in job.inputs.sites.keys() {
        let set = match &config.queries {
            Some(set) => set.clone(),
            None => QuerySet::load(if lang == "zh" { "zhwiki" } else { "enwiki" })?,
        };
        queries.insert(lang.clone(), set);
    }
    let triples = ManifestTripleConfig {
        queries: queries.values().cloned().collect(),
        min_entities: config.rules.min_entities,
        max_chars: config.rules.max_chars,
        no_holes: config.rules.no_holes,
        repeat_mentions: config.repeat_mentions,
        nee: None,
    };
    job.run(
        "esi",
        Additions { triples: Some(triples), ..Additions::default() },
        |page: Page<'_>, extractor: &WikitextExtractor, sink: &mut TripleSink| {
            esi::label_page(&page, extractor, &queries[&*page.lang].queries[0], config.repeat_mentions, &config.rules, sink)
        },
    )
}

//! `prep esi`: dumps or folders of pages to triples of stage 1.

use std::collections::BTreeMap;

use anyhow::ensure;
use schemas::{Page, QuerySet};

use crate::cli::{Common, EsiArgs};
use crate::input::sources::Sources;
use crate::label::esi;
use crate::label::sentences::{Counters, Rules};
use crate::run::job::Job;
use crate::run::work::Triples;
use crate::wikitext::WikitextExtractor;

/// Runs `prep esi`.
///
/// # Errors
/// As `prep pages`, and a query set that has not one label, or a folder of pages that is not complete.
pub fn run(args: &EsiArgs, common: &Common) -> anyhow::Result<()> {
    let EsiArgs { triples: args, queries } = args;
    let sources = Sources::open(&args.pages.inputs, &args.pages.dump, common)?;
    let given = queries.as_deref().map(QuerySet::load).transpose()?;
    let mut queries: BTreeMap<String, QuerySet> = BTreeMap::new();
    for lang in sources.sites.keys() {
        let set = match &given {
            Some(set) => set.clone(),
            None => QuerySet::load(if lang == "zh" { "zhwiki" } else { "enwiki" })?,
        };
        ensure!(
            set.queries.len() == 1,
            "query set `{}` has {} labels, expected one: in stage 1 every link is an answer of the same label",
            set.name,
            set.queries.len()
        );
        queries.insert(lang.clone(), set);
    }
    let config = sources.config(&args.pages.dump, Some(queries.values().cloned().collect())).of_triples(args);
    let rules = Rules { min_entities: args.min_entities, max_chars: args.max_chars, max_unknown: None, buckets: None };
    let triples = |page: Page<'_>, extractor: &WikitextExtractor, counters: &mut Counters, triples: &mut Triples| {
        esi::triples(&page, extractor, &queries[&*page.lang].queries[0], args.repeat_mentions, &rules, counters, triples)
    };
    Job::new("esi", &args.pages, common).run(sources, &config, triples)
}

//! `prep pages`, `prep esi` and `prep nee`: dumps or folders of pages to rows, streamed.
//!
//! One thread reads and cuts, several parse, clean and label, this one writes, in the order of the input.
//!
//! | module | what it does |
//! |---|---|
//! | `sources`, `read` | opens the inputs; reads them in turn |
//! | `work` | a batch of pages to rows, by way of `label` with `esi` or `nee` |
//! | `job`, `units` | writes the rows, unit by unit, so that a run can be gone on with |
//! | `redirects`, `progress`, `config`, `buckets` | what their names say |

mod buckets;
mod config;
mod esi;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod faults;
mod job;
mod label;
mod nee;
mod progress;
mod read;
mod redirects;
mod repeats;
mod sources;
pub(crate) mod units;
mod work;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, ensure};
use schemas::{Page, QuerySet};

use crate::cli::{Common, DumpArgs, EsiArgs, NeeArgs, PagesArgs, TripleArgs, Variant};
use crate::gazetteer::Gazetteer;
use crate::wikitext::Extractor;
pub use buckets::Buckets;
pub use config::PlannedPart;
use config::{Config, NeeConfig};
use job::{Job, NamesOf};
use label::{Counters, Rules};
use sources::Sources;
use work::Triples;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Runs `prep pages`.
///
/// # Errors
/// Inputs that are no dumps, damaged ones (after everything sound before the damage is written), or an output that cannot be written.
pub fn pages(args: &PagesArgs, common: &Common) -> anyhow::Result<()> {
    let sources = Sources::open(&args.inputs, &args.dump, common)?;
    ensure!(sources.folders().next().is_none(), "prep pages reads dumps, not folders; {} is one", sources.first_folder());
    let config = sources.config(&args.dump, None);
    Job::new("pages", args, common).run(
        sources,
        &config,
        |page: Page<'_>, _: &Extractor, _: &mut Counters, pages: &mut Vec<Page<'static>>| {
            pages.push(page.into_owned());
            Ok(())
        },
    )
}

/// Runs `prep esi`.
///
/// # Errors
/// As [`pages`], and a query set that has not one label, or a folder of pages that is not complete.
pub fn esi(args: &EsiArgs, common: &Common) -> anyhow::Result<()> {
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
    let triples = |page: Page<'_>, extractor: &Extractor, counters: &mut Counters, triples: &mut Triples| {
        esi::triples(&page, extractor, &queries[&*page.lang].queries[0], args.repeat_mentions, &rules, counters, triples)
    };
    Job::new("esi", &args.pages, common).run(sources, &config, triples)
}

/// Runs `prep nee`.
///
/// # Errors
/// As [`esi`], but for the number of labels; a label that the query set does not have, or a gazetteer that cannot be read.
pub fn nee(args: &NeeArgs, common: &Common) -> anyhow::Result<()> {
    let TripleArgs { pages, repeat_mentions, min_entities, max_chars } = &args.triples;
    let sources = Sources::open(&pages.inputs, &pages.dump, common)?;
    let set = QuerySet::load(&args.queries)?;
    let family = args.family_names.as_deref().map(|label| config::label(&set, label).context("--family-names")).transpose()?;
    let (nee, spec) = NeeConfig::new(args, &set, sources.are_simplified(&pages.dump))?;
    let (gazetteer, loaded) = Gazetteer::load(spec)?;
    let paths = nee.paths();
    let config = Config { nee: Some(nee), ..sources.config(&pages.dump, Some(vec![set.clone()])).of_triples(&args.triples) };
    let rules = Rules { min_entities: *min_entities, max_chars: *max_chars, max_unknown: args.max_unknown, buckets: args.buckets.clone() };
    let repeats = repeat_mentions.then_some(nee::RepeatRules { family });
    let labeller = nee::Labeller { gazetteer: &gazetteer, matching: args.matching, repeats };
    let names = NamesOf { gazetteer: &gazetteer, loaded, labels: set.labels().collect(), paths };
    let partitions = args.buckets.as_ref().map(|buckets| buckets.folders().collect());
    let job = Job { names: Some(names), partitions, ..Job::new("nee", pages, common) };
    let triples = |page: Page<'_>, extractor: &Extractor, counters: &mut Counters, triples: &mut Triples| {
        nee::triples(&page, extractor, &set.queries, &labeller, &rules, counters, triples)
    };
    job.run(sources, &config, triples)
}

/// Which script of Chinese the text of a wiki is in.
fn variant(lang: &str, args: &DumpArgs) -> Variant {
    args.variant.unwrap_or(if lang == "zh" { Variant::ZhHans } else { Variant::None })
}

//! `prep nee`: dumps or folders of pages, and gazetteers, to triples of stage 2.

use anyhow::Context;
use schemas::{Page, QuerySet};

use crate::cli::{Common, NeeArgs, TripleArgs};
use crate::gazetteer::load::load;
use crate::input::sources::Sources;
use crate::label::nee;
use crate::label::sentences::{Counters, Rules};
use crate::run::job::{Job, NamesOf};
use crate::run::settings::{self, Config, NeeConfig};
use crate::run::work::Triples;
use crate::wikitext::WikitextExtractor;

/// Runs `prep nee`.
///
/// # Errors
/// As `prep esi`, but for the number of labels; a label that the query set does not have, or a gazetteer that cannot be read.
pub fn run(args: &NeeArgs, common: &Common) -> anyhow::Result<()> {
    let TripleArgs { pages, repeat_mentions, min_entities, max_chars } = &args.triples;
    let sources = Sources::open(&pages.inputs, &pages.dump, common)?;
    let set = QuerySet::load(&args.queries)?;
    let family = args.family_names.as_deref().map(|label| settings::label(&set, label).context("--family-names")).transpose()?;
    let (nee, spec) = NeeConfig::new(args, &set, sources.are_simplified(&pages.dump))?;
    let (gazetteer, loaded) = load(spec)?;
    let paths = nee.paths();
    let config = Config { nee: Some(nee), ..sources.config(&pages.dump, Some(vec![set.clone()])).of_triples(&args.triples) };
    let rules = Rules { min_entities: *min_entities, max_chars: *max_chars, max_unknown: args.max_unknown, buckets: args.buckets.clone() };
    let repeats = repeat_mentions.then_some(nee::RepeatRules { family });
    let labeller = nee::Labeller { gazetteer: &gazetteer, matching: args.matching, repeats };
    let names = NamesOf { gazetteer: &gazetteer, loaded, labels: set.labels().collect(), paths };
    let partitions = args.buckets.as_ref().map(|buckets| buckets.folders().collect());
    let job = Job { names: Some(names), partitions, ..Job::new("nee", pages, common) };
    let triples = |page: Page<'_>, extractor: &WikitextExtractor, counters: &mut Counters, triples: &mut Triples| {
        nee::triples(&page, extractor, &set.queries, &labeller, &rules, counters, triples)
    };
    job.run(sources, &config, triples)
}

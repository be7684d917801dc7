//! `prep pages`: dumps to rows of pages.

use anyhow::ensure;
use schemas::Page;

use crate::cli::{Common, PagesArgs};
use crate::input::sources::Sources;
use crate::label::sentences::Counters;
use crate::run::job::Job;
use crate::wikitext::WikitextExtractor;

/// Runs `prep pages`.
///
/// # Errors
/// Inputs that are no dumps, damaged ones (after everything sound before the damage is written), or an output that cannot be written.
pub fn run(args: &PagesArgs, common: &Common) -> anyhow::Result<()> {
    let sources = Sources::open(&args.inputs, &args.dump, common)?;
    ensure!(sources.folders().next().is_none(), "prep pages reads dumps, not folders; {} is one", sources.first_folder());
    let config = sources.config(&args.dump, None);
    Job::new("pages", args, common).run(
        sources,
        &config,
        |page: Page<'_>, _: &WikitextExtractor, _: &mut Counters, pages: &mut Vec<Page<'static>>| {
            pages.push(page.into_owned());
            Ok(())
        },
    )
}

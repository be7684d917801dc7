//! `prep pages`: dumps to pages, one row per page.

use anyhow::bail;
use schemas::Page;

use super::page_job::{Additions, PageJob};
use crate::config::Runtime;
use crate::config::pages::PageJobConfig;
use crate::wikitext::WikitextExtractor;

/// Runs `prep pages`.
///
/// # Errors
/// Inputs that are not dumps; damaged ones, after all sound pages before the damage are written; an output that cannot be written.
pub fn run(config: &PageJobConfig, runtime: &Runtime) -> anyhow::Result<()> {
    let job = PageJob::open(config, runtime)?;
    if let Some(folder) = job.inputs.folders().next() {
        bail!("prep pages reads dumps, but {} is a folder of pages already; give it to `prep esi` or `prep nee`", folder.display());
    }
    job.run("pages", Additions::default(), |page: Page<'_>, _: &WikitextExtractor, pages: &mut Vec<Page<'static>>| {
        pages.push(page.into_owned());
        Ok(())
    })
}

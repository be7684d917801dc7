//! `prep names`: lists of names by label.
//!
//! | module | what it holds |
//! |---|---|
//! | [`pages`] | names out of folders of pages |
//! | [`wikidata`] | names out of the dump of Wikidata |

pub mod pages;
pub mod wikidata;

use crate::config::Runtime;
use crate::config::names::NamesConfig;

/// Runs `prep names`.
///
/// # Errors
/// What its command fails with.
pub fn run(config: &NamesConfig, runtime: &Runtime) -> anyhow::Result<()> {
    match config {
        NamesConfig::Pages(config) => pages::run(config, runtime),
        NamesConfig::Wikidata(config) => wikidata::run(config, runtime),
    }
}

//! `prep names pages`: names out of folders of pages.

use anyhow::bail;

use crate::config::Runtime;
use crate::config::names::NamesPagesConfig;

/// Runs `prep names pages`.
///
/// # Errors
/// Always: the rules are not there yet.
pub fn run(config: &NamesPagesConfig, _: &Runtime) -> anyhow::Result<()> {
    bail!("no names can be made of {} yet", config.dirs.first().map_or("nothing".to_owned(), |dir| dir.display().to_string()));
}

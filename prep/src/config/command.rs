//! All commands with their settings.

#[cfg(feature = "inspect")]
use super::checks::InspectConfig;
use super::checks::VerifyConfig;
use super::corpora::{ExportConfig, MrcConfig};
use super::names::NamesConfig;
use super::pages::{EsiConfig, NeeConfig, PageJobConfig};
use super::plan::{MergeConfig, PlanConfig};
use super::queries::QueriesConfig;
use super::runtime::Runtime;

/// A command, and how it runs.
#[derive(Debug)]
pub struct Config {
    /// The command.
    pub command: CommandConfig,
    /// How it runs.
    pub runtime: Runtime,
}

/// A command with its settings.
#[derive(Debug)]
pub enum CommandConfig {
    /// `prep pages`
    Pages(PageJobConfig),
    /// `prep esi`
    Esi(EsiConfig),
    /// `prep nee`
    Nee(Box<NeeConfig>),
    /// `prep names`
    Names(NamesConfig),
    /// `prep plan`
    Plan(PlanConfig),
    /// `prep merge`
    Merge(MergeConfig),
    /// `prep mrc`
    Mrc(Box<MrcConfig>),
    /// `prep export`
    Export(ExportConfig),
    /// `prep queries`
    Queries(QueriesConfig),
    /// `prep inspect`
    #[cfg(feature = "inspect")]
    Inspect(InspectConfig),
    /// `prep verify`
    Verify(VerifyConfig),
}

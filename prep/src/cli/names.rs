//! Arguments of `prep names`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use encoding_rs::Encoding;

use super::output::OutputArgs;
use super::pages::encoding;

/// `prep names`
#[derive(Debug, Args)]
pub(super) struct NamesArgs {
    /// Where the names come from.
    #[command(subcommand)]
    pub command: NamesCommand,
}

/// The commands of `prep names`.
#[derive(Debug, Subcommand)]
pub(super) enum NamesCommand {
    /// Names of the pages of a wiki: titles, redirects and texts of links
    #[command(
        after_help = "Example:\n  prep names pages data/pages -o data/names\n  prep nee data/pages -o data/nee --queries en_conll03 --names data/names"
    )]
    Pages(NamesPagesArgs),
}

/// `prep names pages`
#[derive(Debug, Args)]
pub(super) struct NamesPagesArgs {
    /// Folders made by `prep pages`
    #[arg(required = true, value_name = "DIR")]
    pub dirs: Vec<PathBuf>,
    #[command(flatten)]
    pub output: OutputArgs,
    /// Rules by which pages and titles get their labels: a built-in set or a TOML file
    #[arg(long, value_name = "NAME|FILE", default_value = "per-loc-org")]
    pub types: String,
    /// Entries of a list that rules refer to, such as given-names=first-names.txt: one per line, or a column of CSV or Parquet; may be given
    /// several times
    #[arg(long, value_name = "LIST=FILE[:COLUMN]")]
    pub known: Vec<String>,
    /// Encoding of these files where they have no byte-order mark, such as gbk or big5
    #[arg(long, value_name = "NAME", default_value = "utf-8", value_parser = encoding)]
    pub encoding: &'static Encoding,
}

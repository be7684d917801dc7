//! Arguments of `prep names`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use encoding_rs::Encoding;

use super::output::OutputArgs;
use super::pages::encoding;
use super::size::Size;
use super::values::language;

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
    /// Names of the items of Wikidata: labels, aliases and titles
    #[command(
        after_help = "Example:\n  prep names wikidata latest-all.json.bz2 -o data/names --lang en\n  prep nee data/pages -o data/nee --queries en_conll03 --names data/names"
    )]
    Wikidata(NamesWikidataArgs),
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
    #[arg(long, value_name = "NAME|FILE", default_value = "per-loc-org-misc")]
    pub types: String,
    /// Entries of a list that rules refer to, such as given-names=first-names.txt: one per line, or a column of CSV or Parquet; may be given
    /// several times
    #[arg(long, value_name = "LIST=FILE[:COLUMN]")]
    pub known: Vec<String>,
    /// Encoding of these files where they have no byte-order mark, such as gbk or big5
    #[arg(long, value_name = "NAME", default_value = "utf-8", value_parser = encoding)]
    pub encoding: &'static Encoding,
}

/// `prep names wikidata`
#[derive(Debug, Args)]
pub(super) struct NamesWikidataArgs {
    /// JSON dump of Wikidata, an entity a line: .json, plain or compressed with bzip2, gzip, zstd or xz; `-` is standard input
    #[arg(value_name = "DUMP")]
    pub dump: PathBuf,
    #[command(flatten)]
    pub output: OutputArgs,
    /// Rules by which classes get their labels, in their [[wikidata]]: a built-in set or a TOML file
    #[arg(long, value_name = "NAME|FILE", default_value = "per-loc-org-misc")]
    pub types: String,
    /// Language of labels and aliases; those that Wikidata has for all languages (`mul`) are names too
    #[arg(long, value_name = "CODE", default_value = "en", value_parser = language)]
    pub lang: String,
    /// Wiki whose titles are names [default: the Wikipedia of the language, such as enwiki]
    #[arg(long, value_name = "NAME")]
    pub wiki: Option<String>,
    /// JSON between two checkpoints: --resume continues at the last checkpoint
    #[arg(long, value_name = "SIZE", default_value_t = Size(1 << 30))]
    pub unit: Size,
}

//! The program's arguments.

use clap::{Args, Parser, Subcommand, ValueEnum};

#[cfg(feature = "inspect")]
use super::checks::InspectArgs;
use super::checks::VerifyArgs;
use super::corpora::{ExportArgs, MrcArgs};
use super::names::NamesArgs;
use super::pages::{EsiArgs, NeeArgs, PagesArgs};
use super::plan::{MergeArgs, PlanArgs};
use super::queries::QueriesArgs;
use super::size::Size;

/// Wikipedia dumps, gazetteers and annotated corpora to Parquet shards of MRC triples.
#[derive(Debug, Parser)]
#[command(name = "prep", version, propagate_version = true, max_term_width = 110)]
pub struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
    #[command(flatten)]
    pub(super) common: CommonArgs,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Dumps to pages: one row per page, clean text with links by offset
    #[command(after_help = "Example:\n  prep pages zhwiki-latest-pages-articles.xml.bz2 -o data/pages")]
    Pages(PagesArgs),
    /// Triples for stage 1 (entity span identification): every link is a span, of one label
    #[command(after_help = "Example:\n  prep esi data/pages -o data/esi --min-entities 1")]
    Esi(EsiArgs),
    /// Triples for stage 2 (named entity extraction): links and names in the text, labelled by gazetteers
    #[command(after_help = "Example:\n  prep nee data/pages -o data/nee --queries en_conll03 --gazetteer PER=people.txt \\\n      \
                            --gazetteer LOC=cities.csv:name --match both")]
    Nee(Box<NeeArgs>),
    /// Names by label, each with how sure it is: what `prep nee --names` takes
    Names(NamesArgs),
    /// Cuts dumps into parts that several machines can work on
    #[command(
        after_help = "Example:\n  prep plan enwiki-*.xml.bz2 --parts 8 -o plan.json\n  prep esi --plan plan.json --part 3 -o parts/3 --resume    # on any machine"
    )]
    Plan(PlanArgs),
    /// Joins the output folders of all parts of a plan
    #[command(after_help = "Example:\n  prep merge parts/* -o data/esi")]
    Merge(MergeArgs),
    /// Triples with gold spans from annotated corpora
    #[command(
        after_help = "Example:\n  prep mrc train.bmes dev.bmes -o data/gold --queries zh_msra\n  prep mrc mrc-ner.train -o data/gold --format mrc-json"
    )]
    Mrc(MrcArgs),
    /// Triples back to CoNLL, JSON lines or MRC JSON
    #[command(after_help = "Example:\n  prep export data/gold --format conll --scheme bmes -o gold.bmes")]
    Export(ExportArgs),
    /// Query sets: a query for each label
    Queries(QueriesArgs),
    /// Counts, lengths and samples of a folder of pages, triples or names
    #[cfg(feature = "inspect")]
    #[command(after_help = "Example:\n  prep inspect data/esi --sample 5\n  prep inspect data/esi --html report.html")]
    Inspect(InspectArgs),
    /// Checks hashes, schema and invariants of a folder
    #[command(after_help = "Example:\n  prep verify data/esi")]
    Verify(VerifyArgs),
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub(super) struct CommonArgs {
    /// Worker threads; the output does not depend on it [default: number of cores]
    #[arg(long, global = true, value_name = "N", help_heading = "Common options")]
    pub threads: Option<usize>,
    /// Memory for pages in flight; names of gazetteers and redirects are not counted
    #[arg(long, global = true, value_name = "SIZE", default_value = "512M", help_heading = "Common options")]
    pub memory: Size,
    /// Which log events are written to standard error
    #[arg(long, global = true, value_name = "LEVEL", default_value = "warn", help_heading = "Common options")]
    pub log_level: LogLevel,
    /// At the end print the CPU time of each kind of thread, and how far more cores can help at most
    #[arg(long, global = true, help_heading = "Common options")]
    pub timings: bool,
    /// No progress and no summary
    #[arg(long, short, global = true, help_heading = "Common options")]
    pub quiet: bool,
}

/// Levels of `--log-level`.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum LogLevel {
    /// The error that ends the run, and no warnings
    Error,
    /// Warnings too: skipped pages and damage, the first ten
    Warn,
    /// Also `inputs` opened, resumed and read to their end, `units` with pages, rows and shards at each checkpoint, `damage` that was skipped,
    /// and `threads`
    Info,
    /// Also each batch, each malformed page and each error of a damaged stream with its place
    Debug,
}

impl From<LogLevel> for tracing::Level {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Error => Self::ERROR,
            LogLevel::Warn => Self::WARN,
            LogLevel::Info => Self::INFO,
            LogLevel::Debug => Self::DEBUG,
        }
    }
}

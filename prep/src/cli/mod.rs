//! The command line: parsing only. What is parsed is checked by the command that runs.

mod corpora;
mod dumps;
mod folders;
mod gazetteer_arg;
mod size;
mod values;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use corpora::*;
pub use dumps::*;
pub use folders::*;
pub use size::Size;

use crate::ordered_map::Limits;

/// Wikipedia dumps, gazetteers and labelled corpora to Parquet shards of MRC triples.
#[derive(Debug, Parser)]
#[command(name = "prep", version, propagate_version = true, max_term_width = 110)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// How to do it.
    #[command(flatten)]
    pub common: Common,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// Worker threads; the output does not depend on it [default: number of cores]
    #[arg(long, global = true, value_name = "N", help_heading = "Common options")]
    pub threads: Option<usize>,
    /// Memory for pages that are under way; names of gazetteers and redirects are not counted
    #[arg(long, global = true, value_name = "SIZE", default_value = "512M", help_heading = "Common options")]
    pub memory: Size,
    /// What to log to standard error
    #[arg(long, global = true, value_name = "LEVEL", default_value = "warn", help_heading = "Common options")]
    pub log_level: LogLevel,
    /// No progress and no summary
    #[arg(long, short, global = true, help_heading = "Common options")]
    pub quiet: bool,
}

impl Common {
    /// Worker threads.
    pub fn threads(&self) -> usize {
        self.threads.filter(|&threads| threads > 0).unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
    }

    /// Threads that decode bzip2, whatever its blocks expand to.
    pub fn decoders(&self) -> usize {
        let most = usize::try_from(self.memory.0 / BYTES_A_DECODER).unwrap_or(usize::MAX);
        self.threads().min(most.max(1))
    }

    /// What may be under way between reading and writing.
    pub fn limits(&self) -> Limits {
        Limits { threads: self.threads(), weight: self.memory.0 / BYTES_A_BYTE }
    }
}

/// Bytes of memory for a byte of text from when it is read until its rows are written, at worst.
const BYTES_A_BYTE: u64 = 16;

/// Bytes of memory for a thread that decodes bzip2, at worst: a block expands to 46 MB.
const BYTES_A_DECODER: u64 = 128 << 20;

/// Levels of `--log-level`.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum LogLevel {
    /// What ends the run.
    Error,
    /// What the user should know.
    Warn,
    /// What happens.
    Info,
    /// What the developer should know.
    Debug,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// A row a page: clean text with links by offset
    #[command(after_help = "Example:\n  prep pages zhwiki-latest-pages-articles.xml.bz2 -o data/pages")]
    Pages(PagesArgs),
    /// Triples for stage 1: every link is an answer, one label
    #[command(after_help = "Example:\n  prep esi data/pages -o data/esi --min-entities 1")]
    Esi(EsiArgs),
    /// Triples for stage 2: links and names in the text are typed by gazetteers
    #[command(after_help = "Example:\n  prep nee data/pages -o data/nee --queries en_conll03 --gazetteer PER=people.txt \\\n      \
                            --gazetteer LOC=cities.csv:name --match both")]
    Nee(NeeArgs),
    /// Cuts dumps into parts, to be worked on by several machines
    #[command(
        after_help = "Example:\n  prep plan enwiki-*.xml.bz2 --parts 8 -o plan.json\n  prep esi --plan plan.json --part 3 -o parts/3 --resume    # anywhere"
    )]
    Plan(PlanArgs),
    /// Joins the folders of all parts of a plan
    #[command(after_help = "Example:\n  prep merge parts/* -o data/esi")]
    Merge(MergeArgs),
    /// Gold triples from annotated corpora
    #[command(
        after_help = "Example:\n  prep mrc train.bmes dev.bmes -o data/gold --queries zh_msra\n  prep mrc mrc-ner.train -o data/gold --format mrc-json"
    )]
    Mrc(MrcArgs),
    /// Triples back to CoNLL, JSON lines or MRC JSON
    #[command(after_help = "Example:\n  prep export data/gold --format conll --scheme bmes -o gold.bmes")]
    Export(ExportArgs),
    /// Query sets: a question for each label
    Queries(QueriesArgs),
    /// Counts, lengths and samples of a folder of pages or triples
    #[cfg(feature = "inspect")]
    #[command(after_help = "Example:\n  prep inspect data/esi --sample 5\n  prep inspect data/esi --html report.html")]
    Inspect(InspectArgs),
    /// Checks hashes, schema and invariants of a folder
    #[command(after_help = "Example:\n  prep verify data/esi")]
    Verify(VerifyArgs),
}

/// Where shards go.
#[derive(Debug, Clone, Args)]
pub struct OutputArgs {
    /// Folder for the shards and their manifest
    #[arg(long, short, value_name = "DIR")]
    pub output: PathBuf,
    /// Replace what an earlier run wrote there
    #[arg(long)]
    pub overwrite: bool,
    /// Go on where an earlier run stopped, with the same inputs and settings; starts anew if there was none
    #[arg(long, conflicts_with = "overwrite")]
    pub resume: bool,
}

//! Options of the commands that continue or use runs.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::common_args::CommonArgs;
use crate::decode::Decoding;
use crate::device::Device;

/// Options of `resume`.
#[derive(Debug, Args)]
pub struct ResumeArgs {
    /// The run
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// Device that computes: cpu, cuda or cuda:N [default: the one where the run began]
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<Device>,
    /// CPU threads; 0 for one per core
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub threads: usize,
    /// Print results and errors only
    #[arg(long, short)]
    pub quiet: bool,
}

/// Options of `pipeline`.
#[derive(Debug, Args)]
pub struct PipelineArgs {
    /// The stages and their options
    #[arg(value_name = "FILE.toml")]
    pub file: PathBuf,
    /// CPU threads; 0 for one per core, or what the file says
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub threads: usize,
    /// Print results and errors only
    #[arg(long, short)]
    pub quiet: bool,
}

/// Options of `evaluate`.
#[derive(Debug, Args)]
pub struct EvaluateArgs {
    /// The run
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// Folder of gold triples
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Print JSON in place of a table
    #[arg(long)]
    pub json: bool,
    /// Write the predicted answers of each triple, a JSON object a line
    #[arg(long, value_name = "FILE.jsonl")]
    pub predictions: Option<PathBuf>,
    /// Write each mistake with its context, a JSON object a line
    #[arg(long, value_name = "FILE.jsonl")]
    pub errors: Option<PathBuf>,
    /// Which end of an answer a start takes, of those before the next start [default: as the run did]
    #[arg(long, value_enum, value_name = "END")]
    pub decoding: Option<Decoding>,
    /// Sequences of a batch
    #[arg(long, default_value_t = 32, value_name = "N")]
    pub batch: usize,
    /// Options of every command.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// What `predict` writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PredictionFormat {
    /// A token and its BIO tag per line, a blank line after a sentence
    Conll,
    /// A JSON object with text and entities a line
    Jsonl,
    /// Rows of a Hugging Face data set, {tokens, ner_tags}: JSON lines, or Parquet by the name of the output
    Hf,
    /// Triples: a Parquet file, or a folder that `prep export` and `prep inspect` read
    Parquet,
}

/// Options of `predict`.
#[derive(Debug, Args)]
pub struct PredictArgs {
    /// The run
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// Text with a sentence a line, .jsonl with a field `text`, .parquet with a column `text` or of triples, or a folder of
    /// triples; - is standard input, whose lines are answered as they come
    #[arg(value_name = "INPUT", default_value = "-")]
    pub input: PathBuf,
    /// Labels to look for: the name of a query set (`prep queries list`), or a TOML file
    #[arg(long, value_name = "NAME|FILE")]
    pub queries: String,
    /// FILE.jsonl, FILE.conll, or FILE.parquet for triples; with --format parquet also a folder; without it the text is printed with its
    /// entities marked
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// What is written [default: by the name of the output; marked text on standard output]
    #[arg(long, value_enum, conflicts_with = "json")]
    pub format: Option<PredictionFormat>,
    /// Print a JSON object a line in place of marked text: --format jsonl
    #[arg(long, conflicts_with = "output")]
    pub json: bool,
    /// Of overlapping entities, whatever their labels, write only the one with the highest score; conll and hf hold no others
    #[arg(long, conflicts_with = "overlapping")]
    pub flat: bool,
    /// Mark overlapping entities too, as brackets within brackets; by default only the one with the highest score is marked. JSON
    /// and Parquet hold all of them
    #[arg(long, conflicts_with_all = ["output", "json", "format"])]
    pub overlapping: bool,
    /// Language code of the triples that are written [default: that of the queries]
    #[arg(long, value_name = "CODE")]
    pub lang: Option<String>,
    /// Replace an existing output file
    #[arg(long)]
    pub overwrite: bool,
    /// Which end of an answer a start takes, of those before the next start [default: as the run did]
    #[arg(long, value_enum, value_name = "END")]
    pub decoding: Option<Decoding>,
    /// Sequences of a batch
    #[arg(long, default_value_t = 32, value_name = "N")]
    pub batch: usize,
    /// Options of every command.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// What `export` writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// A folder in the Hugging Face layout, with the heads, a class that computes them in PyTorch, and a model card
    Hf,
}

/// Options of `export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The run, or a folder in the Hugging Face layout whose weights include the heads
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// Folder to write
    #[arg(long, short, value_name = "DIR")]
    pub output: PathBuf,
    /// What is written
    #[arg(long, value_enum, default_value_t = ExportFormat::Hf, value_name = "FORMAT")]
    pub format: ExportFormat,
    /// Labels and queries that the model card and config.json name: a query set, or a TOML file [default: those of the training set]
    #[arg(long, value_name = "NAME|FILE")]
    pub queries: Option<String>,
    /// Replace files in the folder
    #[arg(long)]
    pub overwrite: bool,
}

/// Options of `plot`.
#[derive(Debug, Args)]
pub struct PlotArgs {
    /// The run, finished or not
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// Folder for the pictures; those of an earlier call are replaced [default: RUN/plots]
    #[arg(long, short, value_name = "DIR")]
    pub output: Option<PathBuf>,
}

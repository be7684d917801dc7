//! Settings of the commands that use a run: evaluate, predict, export, plot.

use std::path::PathBuf;

use schemas::QuerySet;

use super::runtime::Runtime;
use crate::decode::Decoding;

/// Settings of `train evaluate`.
#[derive(Debug)]
pub struct EvaluateConfig {
    /// The run.
    pub run: PathBuf,
    /// Folder of gold triples.
    pub data: PathBuf,
    /// Whether JSON is printed, not a table.
    pub json: bool,
    /// File for the predicted answers of each triple.
    pub predictions: Option<PathBuf>,
    /// File for each mistake.
    pub errors: Option<PathBuf>,
    /// Which end a start takes; `None`: as the run did.
    pub decoding: Option<Decoding>,
    /// Sequences of a batch.
    pub batch: usize,
    /// Device, precision, threads.
    pub runtime: Runtime,
}

/// Settings of `train predict`.
#[derive(Debug)]
pub struct PredictConfig {
    /// The run.
    pub run: PathBuf,
    /// Labels to look for, with their queries.
    pub queries: QuerySet,
    /// Where the texts come from.
    pub input: PredictInput,
    /// Where the entities go.
    pub output: PredictOutput,
    /// Whether at most one entity covers a char, whatever its label.
    pub flat: bool,
    /// Language code of the triples that are written.
    pub lang: String,
    /// Which end a start takes; `None`: as the run did.
    pub decoding: Option<Decoding>,
    /// Sequences of a batch.
    pub batch: usize,
    /// Device, precision, threads.
    pub runtime: Runtime,
}

/// Where `train predict` reads texts.
#[derive(Debug, PartialEq, Eq)]
pub enum PredictInput {
    /// Standard input, a sentence a line.
    Stdin,
    /// A text file, a sentence a line.
    Text(PathBuf),
    /// A file with a JSON object with a field `text` a line.
    Jsonl(PathBuf),
    /// A folder of triples: their contexts.
    Triples(PathBuf),
    /// A Parquet file with a column `text`, or of triples: their contexts.
    Parquet(PathBuf),
}

/// Where `train predict` writes entities.
#[derive(Debug, PartialEq, Eq)]
pub enum PredictOutput {
    /// Standard output: the texts with their entities marked.
    Marked {
        /// Whether overlapping entities are marked too, not only the one with the highest score.
        overlapping: bool,
    },
    /// Lines, in a file or on standard output.
    Lines {
        /// What they hold.
        format: LineFormat,
        /// The file; `None`: standard output.
        path: Option<PathBuf>,
    },
    /// A Parquet file of tokens and tags, as Hugging Face data sets have them.
    HfParquet(PathBuf),
    /// A Parquet file of triples.
    Parquet(PathBuf),
    /// A folder of triples.
    Folder {
        /// The folder.
        path: PathBuf,
        /// Whether an existing folder is replaced.
        overwrite: bool,
    },
}

/// What the lines of predictions hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineFormat {
    /// A JSON object with text and entities.
    Json,
    /// A token and its tag; a blank line after a sentence.
    Conll,
    /// A JSON object with tokens and tags.
    HuggingFace,
}

/// Settings of `train export`.
#[derive(Debug)]
pub struct ExportConfig {
    /// The run, or a folder in the Hugging Face layout.
    pub run: PathBuf,
    /// Folder to write.
    pub output: PathBuf,
    /// Labels and queries that it names; `None`: those of the run's training set.
    pub queries: Option<QuerySet>,
    /// Whether files in it are replaced.
    pub overwrite: bool,
}

/// Settings of `train plot`.
#[derive(Debug)]
pub struct PlotConfig {
    /// The run.
    pub run: PathBuf,
    /// Folder of the pictures.
    pub output: PathBuf,
}

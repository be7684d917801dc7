//! What the command line looks like. Nothing is checked or resolved here beyond single values: see [`config`](crate::config).

use std::path::PathBuf;

use clap::{Arg, Args, Parser, Subcommand};

use crate::cluster::kmeans;
use crate::commands::bench_step::BenchStepArgs;
use crate::device::Device;
use crate::model::{Pool, Precision};
use crate::stage::pseudo_labels::{Head, Method};
use crate::stage::relabel::Mode;

/// Trains a reader that finds named entities, from folders of triples.
#[derive(Debug, Parser)]
#[command(name = "train", version, max_term_width = 110)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Stage 1: learn where entities are, from esi triples
    #[command(
        after_help = "Example:\n  train esi --data esi --encoder bert-base-chinese --out runs/esi --dev esi-dev",
        mut_arg("lr", |arg| by_default(arg, "6e-6")),
        mut_arg("epochs", |arg| by_default(arg, "5")),
        mut_arg("warmup", |arg| by_default(arg, "0")),
        mut_arg("eval_every", |arg| by_default(arg, "20000"))
    )]
    Esi(StageArgs),
    /// Stage 2: learn labels from gazetteers, and label the training set anew after each epoch
    #[command(
        after_help = "Example:\n  train nee --data nee --init runs/esi --out runs/nee --dev gold/dev\n\n\
            Each round's triples are in RUN/relabelled/round-K; the last of them are what stage 3 is for.",
        mut_arg("lr", |arg| by_default(arg, "3e-5")),
        mut_arg("epochs", |arg| by_default(arg, "6")),
        mut_arg("warmup", |arg| by_default(arg, "0.4")),
        mut_arg("eval_every", |arg| by_default(arg, "4000"))
    )]
    Nee(NeeArgs),
    /// Stage 3: learn from triples and, beside them, from clusters of their answers
    #[command(
        after_help = "Example:\n  train fet --data runs/nee --init runs/nee --out runs/fet --dev gold/dev\n\n\
            RUN/clusters/epoch-K.parquet says which span is in which cluster.",
        mut_arg("lr", |arg| by_default(arg, "2e-5")),
        mut_arg("epochs", |arg| by_default(arg, "5")),
        mut_arg("warmup", |arg| by_default(arg, "0.1")),
        mut_arg("eval_every", |arg| by_default(arg, "2000"))
    )]
    Fet(FetArgs),
    /// Stage 4: learn labels, from gold triples
    #[command(
        after_help = "Example:\n  train finetune --data gold/train --dev gold/dev --test gold/test --init runs/esi --out runs/final",
        mut_arg("lr", |arg| by_default(arg, "3e-5")),
        mut_arg("epochs", |arg| by_default(arg, "25")),
        mut_arg("warmup", |arg| by_default(arg, "0")),
        mut_arg("eval_every", |arg| by_default(arg, "100"))
    )]
    Finetune(StageArgs),
    /// Go on with a stage that was stopped, from its last checkpoint
    #[command(after_help = "Example:\n  train resume runs/esi\n\nOn the CPU the finished run is, bit for bit, the one that was \
        never stopped. Paths in its settings are\nread as they were given, so start it in the same folder.")]
    Resume(ResumeArgs),
    /// Train the stages in a row, as a file says; what is finished is kept, what was stopped goes on
    #[command(
        after_help = "Example:\n  train pipeline stages.toml\n\nwith, for instance:\n  out = \"runs\"\n  encoder = \"bert-base-chinese\"\n  \
        [esi]\n  data = \"data/esi\"\n  [nee]\n  data = \"data/nee\"\n  epochs = 3\n  [fet]\n  [finetune]\n  data = \"gold/train\"\n  dev = \"gold/dev\"\n\n\
        Each table is a stage, its keys that stage's options; keys before the tables hold for all. A stage starts from\nthe one before, \
        and fet reads the last round of nee."
    )]
    Pipeline(PipelineArgs),
    /// Write a run in the layout of Hugging Face's BERT
    #[command(
        after_help = "Example:\n  train export runs/final -o reader\n  python -c \"import transformers as t; t.BertModel.from_pretrained('reader')\""
    )]
    Export(ExportArgs),
    /// Time a training step
    #[command(hide = true)]
    BenchStep(BenchStepArgs),
    /// Compute a batch on a device and on the CPU, in f32 and bf16, and compare loss and gradients
    #[command(after_help = "Example:\n  train check-device --device cuda\n\nWhat differs by more than 1e-3 in f32 or 3e-2 in bf16 is \
        wrong, and the exit code 1.")]
    CheckDevice(CheckDeviceArgs),
    /// Score a run on gold triples
    #[command(after_help = "Example:\n  train evaluate runs/final --data gold/test --json --predictions predictions.jsonl")]
    Evaluate(EvaluateArgs),
    /// Draw a run: loss and F1 by step; of stage 3, what clusters hold and where their answers lie
    #[command(
        after_help = "Example:\n  train plot runs/fet\n\nThe pictures are SVG, which browsers open: loss.svg, f1.svg, clusters.svg, \
        spans-by-cluster.svg and\nspans-by-label.svg (t-SNE of 2,000 answers' vectors) in RUN/plots."
    )]
    Plot(PlotArgs),
    /// Mark entities in text
    #[command(after_help = "Examples:\n  echo 'Ödön Teleki was born in Budapest.' | train predict runs/final --queries en_conll03
  train predict runs/final --queries en_conll03 sentences.jsonl -o marked.jsonl
  tail -f news.txt | train predict runs/final --queries mine.toml --json")]
    Predict(PredictArgs),
}

/// A stage's own default of an option that every stage has.
fn by_default(arg: Arg, value: &'static str) -> Arg {
    arg.required(false).default_value(value)
}

/// Options of stage 2.
#[derive(Debug, Args)]
pub struct NeeArgs {
    /// Options of every stage.
    #[command(flatten)]
    pub stage: StageArgs,
    /// Probability above which a piece starts or ends a new answer
    #[arg(long, default_value_t = 0.1, value_name = "P")]
    pub relabel_threshold: f64,
    /// Multiply the threshold by the round, 0.99 at most
    #[arg(long)]
    pub relabel_growth: bool,
    /// What becomes of the answers in --data: the reader's take their place, or are added where they overlap none
    #[arg(long, value_enum, default_value_t = Mode::Replace, value_name = "HOW")]
    pub relabel: Mode,
    /// Weigh each piece by p^0.7, p being the probability that the reader gives its label (generalised cross-entropy): labels
    /// that the reader doubts move it less
    #[arg(long)]
    pub noise_weighting: bool,
}

/// Options of stage 3.
#[derive(Debug, Args)]
pub struct FetArgs {
    /// Options of every stage.
    #[command(flatten)]
    pub stage: StageArgs,
    /// Clusters
    #[arg(long, default_value_t = 23, value_name = "K")]
    pub clusters: usize,
    /// Weight of the loss of clusters
    #[arg(long, default_value_t = 0.001, value_name = "WEIGHT")]
    pub gamma: f64,
    /// How clusters are found: k-means, or power iteration on a graph of nearest neighbours
    #[arg(long, value_enum, default_value_t = Method::Kmeans, value_name = "HOW")]
    pub clustering: Method,
    /// Iterations of the clustering at most
    #[arg(long, default_value_t = 60, value_name = "N")]
    pub cluster_iterations: usize,
    /// First means of k-means
    #[arg(long, value_enum, default_value_t = kmeans::Start::PlusPlus, value_name = "HOW")]
    pub cluster_start: kmeans::Start,
    /// Principal components of the vectors that are clustered
    #[arg(long, default_value_t = 128, value_name = "N")]
    pub pca: usize,
    /// How the pieces of an answer become one vector
    #[arg(long, value_enum, default_value_t = Pool::Sum, value_name = "HOW")]
    pub pool: Pool,
    /// From epoch to epoch: give clusters the numbers of those before that they overlap most, or start the head anew
    #[arg(long, value_enum, default_value_t = Head::Align, value_name = "HOW")]
    pub cluster_head: Head,
    /// Weigh each piece by p^0.7, p being the probability that the reader gives its label: see `nee`
    #[arg(long)]
    pub noise_weighting: bool,
}

/// Options of every stage.
#[derive(Debug, Args)]
pub struct StageArgs {
    /// Folder of triples to train on, or a run of `nee`: its last round
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Folder for the run; made anew
    #[arg(long, value_name = "RUN")]
    pub out: PathBuf,
    /// Folder of triples by which the best weights are chosen; without it the last ones are kept
    #[arg(long, value_name = "DIR")]
    pub dev: Option<PathBuf>,
    /// Folder of triples on which the best weights are scored, once, at the end
    #[arg(long, value_name = "DIR")]
    pub test: Option<PathBuf>,
    /// Start from a BERT in the Hugging Face layout, or from `tiny`: a small random one
    #[arg(long, value_name = "DIR|tiny", required_unless_present = "init", conflicts_with = "init")]
    pub encoder: Option<PathBuf>,
    /// Start from the weights of an earlier run
    #[arg(long, value_name = "RUN")]
    pub init: Option<PathBuf>,
    /// With --encoder tiny: vocab.txt to use; without it one of 4,000 word pieces is learned from --data
    #[arg(long, value_name = "FILE")]
    pub vocab: Option<PathBuf>,
    /// With --encoder tiny: ignore case and accents
    #[arg(long)]
    pub lowercase: bool,
    /// Find answers within answers and overlapping ones: a head scores every pair of a first and a last piece
    #[arg(long)]
    pub nested: bool,
    /// Learning rate at its highest
    #[arg(long, value_name = "RATE")]
    pub lr: f64,
    /// Passes over the training set
    #[arg(long, value_name = "N")]
    pub epochs: usize,
    /// Share of the steps in which the learning rate rises
    #[arg(long, value_name = "SHARE")]
    pub warmup: f64,
    /// Steps between two evaluations on --dev, beside the one at the end of each epoch; 0: those alone
    #[arg(long, value_name = "STEPS")]
    pub eval_every: usize,
    /// Steps between two checkpoints, beside those at the end of each epoch and at each best evaluation; without it there is
    /// one at each evaluation
    #[arg(long, value_name = "STEPS")]
    pub save_every: Option<usize>,
    /// Stop after so many steps, whatever --epochs says
    #[arg(long, value_name = "N")]
    pub max_steps: Option<usize>,
    /// Stop after so many evaluations in a row without a better F1 on --dev
    #[arg(long, value_name = "N", requires = "dev")]
    pub patience: Option<usize>,
    /// Sequences of a batch
    #[arg(long, default_value_t = 16, value_name = "N")]
    pub batch: usize,
    /// Word pieces of a batch, padding included, in place of --batch: short sequences then come in larger batches
    #[arg(long, value_name = "N", conflicts_with = "batch")]
    pub max_tokens: Option<usize>,
    /// Devices that share a step, each a batch, in the place of --device: cuda:0,cuda:1. A step is then so many times as large
    #[arg(long, value_name = "LIST", value_delimiter = ',', conflicts_with = "device")]
    pub devices: Vec<Device>,
    /// Batches of a step, on each device: gradients are those of one batch so many times as large, memory is that of one
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub accumulate: usize,
    /// Word pieces of a sequence, query included; longer contexts are read in overlapping windows
    #[arg(long, default_value_t = 150, value_name = "N")]
    pub max_length: usize,
    /// Dropout rate in training
    #[arg(long, default_value_t = 0.1, value_name = "RATE")]
    pub dropout: f64,
    /// Weight of the pieces where an answer starts or ends against that of all others, which are many more: above 1 for more
    /// recall, below 1 for more precision
    #[arg(long, default_value_t = 1.0, value_name = "WEIGHT")]
    pub positive_weight: f32,
    /// Weight decay, of all but biases and LayerNorm
    #[arg(long, default_value_t = 0.01, value_name = "RATE")]
    pub weight_decay: f64,
    /// Global norm at which gradients are clipped
    #[arg(long, default_value_t = 1.0, value_name = "NORM")]
    pub clip: f64,
    /// Write the metrics as TensorBoard's events too, into RUN/tensorboard
    #[arg(long)]
    pub tensorboard: bool,
    /// Seed of shuffling, dropout and fresh weights
    #[arg(long, default_value_t = 3006, value_name = "N")]
    pub seed: u64,
    /// Replace an existing run
    #[arg(long)]
    pub overwrite: bool,
    /// Options of every command.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Options of every command.
#[derive(Debug, Args)]
pub struct CommonArgs {
    /// Where to compute: cpu, cuda or cuda:N
    #[arg(long, default_value_t = Device::Cpu, value_name = "DEVICE")]
    pub device: Device,
    /// Numbers of the encoder's matrix products; all else is f32
    #[arg(long, value_enum, default_value_t = Precision::F32, value_name = "TYPE")]
    pub precision: Precision,
    /// Threads of the processor; 0: one for each core
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub threads: usize,
    /// Say nothing but results and errors
    #[arg(long, short)]
    pub quiet: bool,
}

/// Options of `resume`.
#[derive(Debug, Args)]
pub struct ResumeArgs {
    /// The run
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// Where to compute: cpu, cuda or cuda:N [default: where it began]
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<Device>,
    /// Threads of the processor; 0: one for each core
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub threads: usize,
    /// Say nothing but results and errors
    #[arg(long, short)]
    pub quiet: bool,
}

/// Options of `pipeline`.
#[derive(Debug, Args)]
pub struct PipelineArgs {
    /// The stages and their options
    #[arg(value_name = "FILE.toml")]
    pub file: PathBuf,
    /// Threads of the processor; 0: one for each core
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub threads: usize,
    /// Say nothing but results and errors
    #[arg(long, short)]
    pub quiet: bool,
}

/// Options of `export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The run, or a folder with a reader's weights in the Hugging Face layout
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// Folder to write
    #[arg(long, short, value_name = "DIR")]
    pub output: PathBuf,
    /// Replace files that are there
    #[arg(long)]
    pub overwrite: bool,
}

/// Options of `check-device`.
#[derive(Debug, Args)]
pub struct CheckDeviceArgs {
    /// Where to compute: cpu, cuda or cuda:N
    #[arg(long, default_value_t = Device::Cpu, value_name = "DEVICE")]
    pub device: Device,
    /// Threads of the processor; 0: one for each core
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub threads: usize,
}

/// Options of `plot`.
#[derive(Debug, Args)]
pub struct PlotArgs {
    /// The run, finished or not
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// Folder of the pictures, which replace those of the same names [default: RUN/plots]
    #[arg(long, short, value_name = "DIR")]
    pub output: Option<PathBuf>,
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
    /// Print JSON rather than a table
    #[arg(long)]
    pub json: bool,
    /// Write the predicted answers of each triple, a JSON object a line
    #[arg(long, value_name = "FILE.jsonl")]
    pub predictions: Option<PathBuf>,
    /// Write each mistake with its context, a JSON object a line
    #[arg(long, value_name = "FILE.jsonl")]
    pub errors: Option<PathBuf>,
    /// Sequences read at once
    #[arg(long, default_value_t = 32, value_name = "N")]
    pub batch: usize,
    /// Options of every command.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Options of `predict`.
#[derive(Debug, Args)]
pub struct PredictArgs {
    /// The run
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// Text with a sentence a line, .jsonl with a field `text`, .parquet with a column `text` or of triples, a folder of
    /// triples; - is standard input, answered line by line
    #[arg(value_name = "INPUT", default_value = "-")]
    pub input: PathBuf,
    /// Labels to look for: name of a query set (`prep queries list`) or a TOML file
    #[arg(long, value_name = "NAME|FILE")]
    pub queries: String,
    /// FILE.jsonl, or FILE.parquet for triples; without it the text is printed with its entities marked
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Print a JSON object a line rather than marked text
    #[arg(long, conflicts_with = "output")]
    pub json: bool,
    /// Language to write into triples; default: that of the queries
    #[arg(long, value_name = "CODE")]
    pub lang: Option<String>,
    /// Replace an existing output file
    #[arg(long)]
    pub overwrite: bool,
    /// Sequences read at once
    #[arg(long, default_value_t = 32, value_name = "N")]
    pub batch: usize,
    /// Options of every command.
    #[command(flatten)]
    pub common: CommonArgs,
}

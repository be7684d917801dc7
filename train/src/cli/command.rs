//! The commands, with their help.

use clap::{Arg, Parser, Subcommand};

use super::data_args::{BenchDataArgs, CheckArgs};
use super::measuring_args::{BenchStepArgs, CheckDeviceArgs, WarmUpArgs};
use super::run_args::{EvaluateArgs, ExportArgs, PipelineArgs, PlotArgs, PredictArgs, ResumeArgs};
use super::stage_args::{FetArgs, NeeArgs, StageArgs};
use crate::stage::Recipe;
use crate::stage::recipe::StageDefaults;

/// Trains models that find named entities, from folders of triples.
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
    /// Stage 1, entity span identification: learn where entities are, from esi triples
    #[command(
        after_help = "Example:\n  train esi --data esi --encoder bert-base-chinese --out runs/esi --dev esi-dev",
        mut_args(|arg| stage_default(arg, Recipe::esi, Recipe::esi))
    )]
    Esi(StageArgs),
    /// Stage 2, named entity extraction: learn labels from gazetteers, and relabel the training set after each epoch
    #[command(
        after_help = "Example:\n  train nee --data nee --init runs/esi --out runs/nee --dev gold/dev\n\n\
            The triples of each round are written to RUN/relabelled/round-K. Stage 3 trains on the last round.",
        mut_args(|arg| stage_default(arg, Recipe::nee, Recipe::nee))
    )]
    Nee(NeeArgs),
    /// Stage 3, fine-grained typing: learn labels and, as a second task, clusters of the answers
    #[command(
        after_help = "Example:\n  train fet --data runs/nee --init runs/nee --out runs/fet --dev gold/dev\n\n\
            RUN/clusters/epoch-K.parquet has the cluster of each answer.",
        mut_args(|arg| stage_default(arg, Recipe::fet, Recipe::fet))
    )]
    Fet(FetArgs),
    /// Stage 4, fine-tuning: learn labels from gold triples
    #[command(
        after_help = "Example:\n  train finetune --data gold/train --dev gold/dev --test gold/test --init runs/esi --out runs/final",
        mut_args(|arg| stage_default(arg, Recipe::finetune, Recipe::finetune_encoder))
    )]
    Finetune(StageArgs),
    /// Tell what is wrong with the data before a training: labels, copies, unknown words, lengths
    #[command(after_help = "Example:\n  train check gold/train --dev gold/dev --test gold/test --encoder bert-base-cased")]
    Check(CheckArgs),
    /// Continue a stage that was stopped, from its last checkpoint
    #[command(after_help = "Example:\n  train resume runs/esi\n\nOn the CPU, the weights of the finished run are bit for bit those of a \
        run that was never stopped. Paths in\nthe run's settings are relative to the folder where it was started: resume it there.")]
    Resume(ResumeArgs),
    /// Train the stages of a file in order; finished ones are kept, stopped ones are resumed
    #[command(
        after_help = "Example:\n  train pipeline stages.toml\n\nwith, for instance:\n  out = \"runs\"\n  encoder = \"bert-base-chinese\"\n  \
        [esi]\n  data = \"data/esi\"\n  [nee]\n  data = \"data/nee\"\n  epochs = 3\n  [fet]\n  [finetune]\n  data = \"gold/train\"\n  dev = \"gold/dev\"\n\n\
        Each table is a stage, with options by their names on the command line; options before the tables hold for all\nstages. A stage \
        starts from the weights of the one before, and fet trains on the last round of nee."
    )]
    Pipeline(PipelineArgs),
    /// Write a run in the Hugging Face layout
    #[command(
        after_help = "Example:\n  train export runs/final -o model\n  python -c \"import transformers as t; t.BertModel.from_pretrained('model')\""
    )]
    Export(ExportArgs),
    /// Measure training steps
    #[command(hide = true)]
    BenchStep(BenchStepArgs),
    /// Measure how fast triples become batches
    #[command(hide = true)]
    BenchData(BenchDataArgs),
    /// Compare loss and gradients of a batch on a device with those on the CPU in each precision, and every routine for matrix products
    #[command(
        after_help = "Example:\n  train check-device --device cuda\n\nA relative difference above 1e-4 in f32 or 3e-2 in tf32 and bf16, or \
        a wrong product, is an error, with exit code 1."
    )]
    CheckDevice(CheckDeviceArgs),
    /// Compile and tune a GPU's kernels for all lengths of batches, so that a training starts at once
    #[command(
        after_help = "Example:\n  train warm-up bert-base-cased --device cuda --precision bf16 --max-tokens 32768\n\nKernels are kept in \
        TRAIN_CACHE, or in coarse-to-fine in the user's cache folder."
    )]
    WarmUp(WarmUpArgs),
    /// Score a run on gold triples
    #[command(after_help = "Example:\n  train evaluate runs/final --data gold/test --json --predictions predictions.jsonl")]
    Evaluate(EvaluateArgs),
    /// Draw a run: loss and F1 by step; of stage 3, what clusters hold and a map of their answers
    #[command(
        after_help = "Example:\n  train plot runs/fet\n\nThe pictures are SVG files, which browsers open: loss.svg, f1.svg, clusters.svg, \
        spans-by-cluster.svg and\nspans-by-label.svg (t-SNE of the vectors of 2,000 answers), in RUN/plots. Of a run of `fet` it also says\nwhat each cluster holds."
    )]
    Plot(PlotArgs),
    /// Find entities in text
    #[command(after_help = "Examples:\n  echo 'Ödön Teleki was born in Budapest.' | train predict runs/final --queries en_conll03
  train predict runs/final --queries en_conll03 sentences.jsonl -o marked.jsonl
  tail -f news.txt | train predict runs/final --queries mine.toml --json")]
    Predict(PredictArgs),
}

/// Adds to the help of an option of every stage the default that it has in this one, by recipe: from the weights of a run, and of an encoder.
fn stage_default(arg: Arg, of_run: impl Fn(Recipe) -> StageDefaults, of_encoder: impl Fn(Recipe) -> StageDefaults) -> Arg {
    let shown = |StageDefaults { lr, epochs, warmup, eval_every }| match arg.get_id().as_str() {
        "lr" => format!("{lr:e}"),
        "epochs" => epochs.to_string(),
        "warmup" => warmup.to_string(),
        "eval_every" => eval_every.to_string(),
        _ => String::new(),
    };
    let [reference, tuned] = [Recipe::Reference, Recipe::Tuned].map(|recipe| shown(of_run(recipe)));
    if reference.is_empty() {
        return arg;
    }
    let of_encoder = shown(of_encoder(Recipe::Tuned));
    let mut defaults = reference.clone();
    if tuned != reference {
        defaults += &format!("; with --recipe tuned: {tuned}");
    }
    if of_encoder != tuned {
        defaults += &format!(", from --encoder {of_encoder}");
    }
    let help = format!("{} [default: {defaults}]", arg.get_help().cloned().unwrap_or_default());
    arg.help(help)
}

//! `prep export`: triples to annotated files.
//!
//! What a format cannot hold is an error that names the row, and no file is left. What a format loses is counted and reported: white
//! space between tokens, and the origin and score of spans.
//!
//! Row groups are read and formatted side by side, and written in order.
//!
//! Memory: a few row groups, within `--memory`.

use std::io::{self, BufWriter, Stdout, Write};
use std::path::Path;

use anyhow::{Context, ensure};
use schemas::{AtomicFile, FolderError, Manifest, Row, RowSlice, ShardFolder, Triple};

use crate::config::Runtime;
use crate::config::corpora::ExportConfig;
use crate::corpora::format::ExportFormat;
use crate::corpora::tagging::scheme::TaggingScheme;
use crate::corpora::tagging::violations::OriginalPrefixes;
use crate::corpora::tokenization::Tokenization;
use crate::corpora::write::formatter::{FormattedSentence, SentenceFormatter, WriterOptions};
use crate::corpora::write::sentence_rows::{SentenceRows, is_same_sentence};
use crate::corpora::write::writer::{CorpusWriter, ExportCounts, HfLayout};
use crate::number_format::{counted, counted_entities, grouped};
use crate::ordered_map::{Feed, Limits, TaskQueue, ordered_map, row_weight};

/// Runs `prep export`.
///
/// # Errors
/// A folder that does not hold complete triples, a row that the format cannot hold, or a file that exists or cannot be written.
pub fn run(config: &ExportConfig, runtime: &Runtime) -> anyhow::Result<()> {
    let folder = ShardFolder::open::<Triple>(&config.dir)?;
    let output = ExportOutput::create(&config.output, config.overwrite)?;
    let counts = match export(&folder, config, runtime.limits(), output) {
        // As in `prep export … -o - | head`.
        Err(error) if is_broken_pipe(&error) => return Ok(()),
        result => result.with_context(|| config.dir.display().to_string())?,
    };
    if !runtime.quiet {
        print_summary(&counts, &config.output);
    }
    Ok(())
}

fn export(folder: &ShardFolder, config: &ExportConfig, limits: Limits, output: ExportOutput) -> anyhow::Result<ExportCounts> {
    // What joined the tokens of a corpus divides them again.
    let of_corpus = || match folder.manifest().config["join"].as_str()? {
        "" => Some(Tokenization::Chars),
        _ => Some(Tokenization::Words),
    };
    let tokenization = config.tokens.or_else(of_corpus);
    let (scheme, layout) = tags_and_layout(folder.manifest(), config);
    let options = WriterOptions { format: config.format, scheme, flat: config.flat, tokenization };
    let formatter = SentenceFormatter::new(options, OriginalPrefixes::from_manifest(folder.manifest(), scheme));
    let mut writer = CorpusWriter::new(output, config.format, layout);
    // Rows of a sentence that may go on.
    let mut open: Vec<Triple> = Vec::new();
    let (sent, written) = ordered_map(
        limits,
        &TaskQueue::default(),
        |feed| send_slices(folder, feed),
        |slice| format_slice(folder, &slice, &formatter),
        |slice| -> anyhow::Result<()> {
            let FormattedSlice { head, whole, tail } = slice?;
            if let (Some(first), Some(next)) = (open.first(), head.first())
                && !is_same_sentence(first, next)
            {
                writer.write(&formatter.format(&open)?)?;
                open.clear();
            }
            open.extend(head);
            if whole.is_empty() && tail.is_empty() {
                return Ok(());
            }
            writer.write(&formatter.format(&open)?)?;
            whole.into_iter().try_for_each(|sentence| writer.write(&sentence?))?;
            open = tail;
            Ok(())
        },
    );
    written?;
    sent?;
    if !open.is_empty() {
        writer.write(&formatter.format(&open)?)?;
    }
    let (output, counts) = writer.finish()?;
    output.finish()?;
    Ok(counts)
}

/// The scheme of tags, and how a Hugging Face data set is laid out.
///
/// A corpus that was such a data set is written with the names and the scheme that it had.
fn tags_and_layout(manifest: &Manifest, config: &ExportConfig) -> (TaggingScheme, HfLayout) {
    let of_corpus = || serde_json::from_value(manifest.config["scheme"].clone()).ok();
    let own = config.scheme.or_else(|| of_corpus().filter(|_| config.format == ExportFormat::HuggingFace));
    let scheme = own.unwrap_or(TaggingScheme::Bio);
    let names: Option<Vec<String>> = serde_json::from_value(manifest.config["labels"].clone()).ok();
    let has_extension = |extension: &str| config.output.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension));
    let layout = if has_extension("parquet") {
        HfLayout::Parquet { names: names.filter(|_| Some(scheme) == of_corpus()), scheme }
    } else if has_extension("json") {
        HfLayout::JsonArray
    } else {
        HfLayout::JsonLines
    };
    (scheme, layout)
}

/// The sentences of consecutive rows; the first and the last one may go on in other slices.
struct FormattedSlice {
    head: Vec<Triple>,
    whole: Vec<anyhow::Result<FormattedSentence>>,
    tail: Vec<Triple>,
}

/// Hands out the row groups of all shards.
fn send_slices(folder: &ShardFolder, feed: &mut Feed<'_, RowSlice>) -> Result<(), FolderError> {
    for shard in 0..folder.manifest().shards.len() {
        if !folder.shard_slices(shard, usize::MAX)?.into_iter().all(|slice| feed.send(slice, row_weight(slice.bytes))) {
            break;
        }
    }
    Ok(())
}

/// Formats the sentences of a row group.
fn format_slice(folder: &ShardFolder, slice: &RowSlice, formatter: &SentenceFormatter) -> anyhow::Result<FormattedSlice> {
    let row_error = |error| FolderError::Row(folder.shard_of(slice), error);
    let batches = folder.read_slice(slice, None)?;
    let rows = batches.iter().map(Triple::from_batch).collect::<Result<Vec<_>, _>>().map_err(row_error)?;
    let SentenceRows { head, whole, tail } = SentenceRows::new(rows.into_iter().flatten());
    Ok(FormattedSlice { head, whole: whole.iter().map(|rows| formatter.format(rows)).collect(), tail })
}

/// Where an export goes.
enum ExportOutput {
    /// A file that appears when it is complete.
    File(AtomicFile),
    Stdout(BufWriter<Stdout>),
}

impl ExportOutput {
    /// Opens a file, or standard output for `-`.
    fn create(path: &Path, overwrite: bool) -> anyhow::Result<Self> {
        if path == Path::new("-") {
            return Ok(Self::Stdout(BufWriter::new(io::stdout())));
        }
        ensure!(overwrite || !path.exists(), "{} exists; give another file with -o, or replace it with --overwrite", path.display());
        ensure!(path.file_name().is_some(), "{} is not the name of a file", path.display());
        Ok(Self::File(AtomicFile::create(path)?))
    }

    /// Writes what is buffered, and gives the file its name.
    fn finish(self) -> anyhow::Result<()> {
        match self {
            Self::File(file) => Ok(file.commit()?),
            Self::Stdout(mut out) => out.flush().context("cannot write to standard output"),
        }
    }
}

impl Write for ExportOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(bytes),
            Self::Stdout(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Stdout(out) => out.flush(),
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe))
}

fn print_summary(counts: &ExportCounts, output: &Path) {
    eprintln!("{} with {} in {}", counted(counts.sentences, "sentence"), counted_entities(counts.entities), output.display());
    if counts.changed_whitespace > 0 {
        eprintln!("white space differs from the triples in {}; jsonl keeps it", counted(counts.changed_whitespace, "sentence"));
    }
    if counts.overlapping > 0 {
        eprintln!("{} left out, which overlap surer or longer ones", counted(counts.overlapping, "span"));
    }
    if counts.lost_origins > 0 {
        let spans = if counts.lost_origins == 1 { "1 span is".to_owned() } else { format!("{} spans are", grouped(counts.lost_origins)) };
        eprintln!("{spans} not gold, which only jsonl says");
    }
}

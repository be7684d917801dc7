//! `prep export`: triples to annotated files.
//!
//! What a format cannot hold is an error that names the row, and no file is left. What a format loses is counted and reported: white
//! space between tokens, and the origin and score of spans.
//!
//! Memory: one sentence, and one batch of rows.

use std::io::{self, BufWriter, Stdout, Write};
use std::path::Path;

use anyhow::{Context, ensure};
use schemas::{AtomicFile, FolderError, ShardFolder, Triple};

use crate::config::Runtime;
use crate::config::corpora::ExportConfig;
use crate::corpora::tagging::violations::OriginalPrefixes;
use crate::corpora::write::writer::{CorpusWriter, ExportCounts, WriterOptions};
use crate::number_format::{counted, counted_entities, grouped};

/// Runs `prep export`.
///
/// # Errors
/// A folder that does not hold complete triples, a row that the format cannot hold, or a file that exists or cannot be written.
pub fn run(config: &ExportConfig, runtime: &Runtime) -> anyhow::Result<()> {
    let folder = ShardFolder::open::<Triple>(&config.dir)?;
    let output = ExportOutput::create(&config.output, config.overwrite)?;
    let counts = match export(&folder, config, output) {
        // As in `prep export … -o - | head`.
        Err(error) if is_broken_pipe(&error) => return Ok(()),
        result => result.with_context(|| config.dir.display().to_string())?,
    };
    if !runtime.quiet {
        print_summary(&counts, &config.output);
    }
    Ok(())
}

fn export(folder: &ShardFolder, config: &ExportConfig, output: ExportOutput) -> anyhow::Result<ExportCounts> {
    let options = WriterOptions { format: config.format, scheme: config.scheme, tokenization: config.tokens };
    let original_prefixes = OriginalPrefixes::from_manifest(folder.manifest(), config.scheme);
    let mut writer = CorpusWriter::new(output, options, original_prefixes);
    for rows in rows_by_sentence(folder) {
        writer.write_sentence(&rows?)?;
    }
    let (output, counts) = writer.finish()?;
    output.finish()?;
    Ok(counts)
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

/// The rows of each sentence.
fn rows_by_sentence(folder: &ShardFolder) -> impl Iterator<Item = Result<Vec<Triple>, FolderError>> + '_ {
    let rows = folder.rows::<Triple>().flat_map(|batch| match batch {
        Ok(rows) => rows.into_iter().map(Ok).collect::<Vec<_>>(),
        Err(error) => vec![Err(error)],
    });
    let mut rows = rows.peekable();
    std::iter::from_fn(move || {
        let mut sentence = match rows.next()? {
            Ok(row) => vec![row],
            Err(error) => return Some(Err(error)),
        };
        let is_same_sentence = |row: &Triple, first: &Triple| (&row.doc, row.sentence) == (&first.doc, first.sentence);
        while let Some(Ok(row)) = rows.next_if(|row| row.as_ref().is_ok_and(|row| is_same_sentence(row, &sentence[0]))) {
            sentence.push(row);
        }
        Some(Ok(sentence))
    })
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe))
}

fn print_summary(counts: &ExportCounts, output: &Path) {
    eprintln!("{} with {} in {}", counted(counts.sentences, "sentence"), counted_entities(counts.entities), output.display());
    if counts.changed_whitespace > 0 {
        eprintln!("white space differs from the triples in {}; jsonl keeps it", counted(counts.changed_whitespace, "sentence"));
    }
    if counts.lost_origins > 0 {
        let spans = if counts.lost_origins == 1 { "1 span is".to_owned() } else { format!("{} spans are", grouped(counts.lost_origins)) };
        eprintln!("{spans} not gold, which only jsonl says");
    }
}

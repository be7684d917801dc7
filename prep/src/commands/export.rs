//! `prep export`: triples back to the formats that annotated corpora have.
//!
//! What a format cannot hold is an error that names the row: entities that overlap in CoNLL, and ones that cut a token. Formats of
//! tokens change white space; how many sentences that touches is said, and so is how many answers lose where they come from.
//!
//! Memory: one sentence, and a batch of rows.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::ops::Range;

use anyhow::{Context, ensure};
use schemas::{FolderError, Origin, ShardFolder, Span, Triple};

use crate::cli::{Common, ExportArgs};
use crate::corpora::broken::Prefixes;
use crate::corpora::context::has_spaces;
use crate::corpora::read::format::Format;
use crate::corpora::write::output::Output;
use crate::corpora::write::tokens::{Tokens, Unit};
use crate::corpora::write::{conll, json};
use crate::number_format::{counted, counted_entities, grouped};

/// What came of it.
#[derive(Debug, Default)]
struct Counts {
    sentences: u64,
    entities: u64,
    /// Sentences whose white space changed.
    respaced: u64,
    /// Answers that are not gold, where the format cannot say so.
    unmarked: u64,
}

/// Runs `prep export`.
///
/// # Errors
/// A folder that is no complete one of triples, a row that the format cannot hold, or a file that is there or cannot be written. No
/// file is left then.
pub fn run(args: &ExportArgs, common: &Common) -> anyhow::Result<()> {
    let folder = ShardFolder::open::<Triple>(&args.dir)?;
    let mut output = Output::create(&args.output, args.overwrite)?;
    let mut counts = Counts::default();
    let outcome = export(&folder, args, &mut counts, &mut output).and_then(|()| output.finish());
    match outcome {
        // `prep export … -o - | head`
        Err(error) if is_broken_pipe(&error) => return Ok(()),
        outcome => outcome.with_context(|| args.dir.display().to_string())?,
    }
    if !common.quiet {
        eprintln!("{} with {} in {}", counted(counts.sentences, "sentence"), counted_entities(counts.entities), args.output.display());
        if counts.respaced > 0 {
            eprintln!("white space is not as it was in {}; jsonl keeps it", counted(counts.respaced, "sentence"));
        }
        if counts.unmarked > 0 {
            eprintln!(
                "{} not gold, which only jsonl says",
                if counts.unmarked == 1 { "1 answer is".to_owned() } else { format!("{} answers are", grouped(counts.unmarked)) }
            );
        }
    }
    Ok(())
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe))
}

fn export(folder: &ShardFolder, args: &ExportArgs, counts: &mut Counts, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut array = matches!(args.format, Format::Nested | Format::MrcJson).then_some("[\n");
    let mut doc: Option<String> = None;
    let broken = Prefixes::of(folder.manifest(), args.scheme);
    for rows in sentences(folder) {
        let rows = rows?;
        let entities = rows.iter().flat_map(|row| &row.spans);
        counts.entities += entities.clone().count() as u64;
        if args.format == Format::Jsonl {
            writeln!(out, "{}", json::line(&rows))?;
        } else {
            counts.unmarked += entities.filter(|span| span.origin != Origin::Gold || span.score.is_some()).count() as u64;
            let tokens = tokens_of(&rows, args);
            ensure!(!tokens.texts().is_empty(), "row {}: nothing but white space, which holds no token; write --format jsonl", rows[0].id);
            counts.respaced += u64::from(tokens.change(&rows[0].context, &rows[0].lang));
            let spans = by_token(&rows, &tokens)?;
            let mut elements: Vec<String> = Vec::new();
            match args.format {
                Format::Conll => {
                    if doc.as_ref().is_some_and(|doc| *doc != rows[0].doc) {
                        write!(out, "{}\tO\n\n", crate::corpora::read::conll::DOCUMENT_START)?;
                    }
                    doc = Some(rows[0].doc.clone());
                    conll::write(&rows, &tokens, &spans, (args.scheme, &broken), out)?;
                }
                Format::Nested => elements.push(json::nested(&tokens, &spans)),
                Format::MrcJson => elements.extend(json::mrc(&rows, &tokens, &spans, counts.sentences)),
                Format::Jsonl => {}
            }
            for element in elements {
                write!(out, "{}{element}", array.replace(",\n").unwrap_or_default())?;
            }
        }
        counts.sentences += 1;
    }
    match array {
        Some("[\n") => Ok(writeln!(out, "[]")?),
        Some(_) => Ok(write!(out, "\n]\n")?),
        None => Ok(()),
    }
}

/// The rows of each sentence.
fn sentences(folder: &ShardFolder) -> impl Iterator<Item = Result<Vec<Triple>, FolderError>> + '_ {
    let rows = folder.rows::<Triple>().flat_map(|rows| match rows {
        Ok(rows) => rows.into_iter().map(Ok).collect::<Vec<_>>(),
        Err(error) => vec![Err(error)],
    });
    let mut rows = rows.peekable();
    std::iter::from_fn(move || {
        let mut sentence = match rows.next()? {
            Ok(row) => vec![row],
            Err(error) => return Some(Err(error)),
        };
        let same = |row: &Triple, first: &Triple| (&row.doc, row.sentence) == (&first.doc, first.sentence);
        while let Some(Ok(row)) = rows.next_if(|row| row.as_ref().is_ok_and(|row| same(row, &sentence[0]))) {
            sentence.push(row);
        }
        Some(Ok(sentence))
    })
}

fn tokens_of<'a>(rows: &'a [Triple], args: &ExportArgs) -> Tokens<'a> {
    let unit = args.tokens.0.unwrap_or(if has_spaces(&rows[0].lang) { Unit::Words } else { Unit::Chars });
    let borders: BTreeSet<u32> = match unit {
        Unit::Cut => rows.iter().flat_map(|row| &row.spans).flat_map(|span| [span.start, span.end]).collect(),
        Unit::Words | Unit::Chars => BTreeSet::new(),
    };
    // A column of CoNLL may hold any white space but what ends it, and where each char is a token a space is one too.
    let is_gap = match (args.format, unit) {
        (Format::Conll, Unit::Chars) => |_| false,
        (Format::Conll, _) => |char: char| char.is_ascii_whitespace(),
        _ => char::is_whitespace,
    };
    Tokens::of(&rows[0].context, unit, &borders, is_gap)
}

/// The answers of all rows by their tokens.
fn by_token<'a>(rows: &'a [Triple], tokens: &Tokens<'_>) -> anyhow::Result<Vec<(&'a Triple, &'a Span, Range<usize>)>> {
    let spans = rows.iter().flat_map(|row| row.spans.iter().map(move |span| (row, span)));
    let with_tokens = spans.map(|(row, span)| {
        let range = tokens.range(span.start, span.end).with_context(|| {
            let Span { start, end, text, .. } = span;
            format!(
                "row {}: {text:?} ({start}..{end}) begins or ends inside a token; write --format jsonl, or give --tokens cut or chars",
                row.id
            )
        })?;
        Ok((row, span, range))
    });
    with_tokens.collect()
}

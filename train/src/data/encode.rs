//! Triples to sequences of word pieces with labels.
//!
//! A sequence is `[CLS] query [SEP] context [SEP]`. A context that does not fit is read in overlapping windows, so nothing is
//! cut off; what cannot be labelled exactly is counted.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread;

use anyhow::{Context, Result, ensure};
use schemas::{ShardFolder, Span, Triple};
use serde::Serialize;

use super::tokenizer::{Pieces, WordPieces};

/// Distinct contexts tokenised at once.
const BLOCK: usize = 1024;

/// Blocks that are decoded ahead of the tokeniser.
const BLOCKS_AHEAD: usize = 4;

/// `[CLS]`, `[SEP]`, `[SEP]`.
const SPECIALS: usize = 3;

/// Least pieces of context beside a query.
const LEAST_WINDOW: usize = 8;

/// Triples, tokenised.
///
/// Memory: 12 bytes for each word piece of each distinct context (its rows share it), and some 150 bytes for each triple beside
/// its answers. Texts stay only where they are wanted ([`Encoder::keep_triples`]).
#[derive(Debug, Default)]
pub struct DataSet {
    /// What the reader reads: one sequence a triple, more where contexts are long. Those of a triple follow each other.
    pub sequences: Vec<Sequence>,
    /// Answers and label of each triple.
    pub golds: Vec<Gold>,
    /// Distinct labels in order of appearance; [`Gold::label`] points here.
    pub labels: Vec<String>,
    /// The triples themselves, if they are kept.
    pub triples: Vec<Triple>,
    /// What happened to the answers.
    pub counters: Counters,
}

/// What a triple should be answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gold {
    /// Position in [`DataSet::labels`].
    pub label: u32,
    /// Answers: chars of the context, half-open, sorted, each once.
    pub spans: Vec<(u32, u32)>,
}

/// What the reader reads at once.
#[derive(Debug, Clone)]
pub struct Sequence {
    /// Position of its triple in the data set.
    pub triple: usize,
    /// The question's pieces.
    pub query: Arc<Pieces>,
    /// The whole context's pieces.
    pub context: Arc<Pieces>,
    /// Those of them that are read: all, or one of several windows.
    pub window: Range<usize>,
    /// Answers that lie inside the window: their first and last piece, counted in the context.
    pub answers: Vec<(u32, u32)>,
}

impl Sequence {
    /// Pieces of the whole sequence, special ones included.
    pub fn length(&self) -> usize {
        self.query.ids.len() + self.window.len() + SPECIALS
    }

    /// Where the context begins in the sequence.
    pub fn context_start(&self) -> usize {
        self.query.ids.len() + 2
    }
}

/// What happened to triples and their answers on the way to labels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Triples read.
    pub triples: u64,
    /// Sequences made of them.
    pub sequences: u64,
    /// Triples read in several windows.
    pub windowed: u64,
    /// Answers.
    pub answers: u64,
    /// Answers with a border inside a word piece: labelled by the whole piece.
    pub widened: u64,
    /// Answers without any word piece of their own: not labelled.
    pub unalignable: u64,
    /// Answers that fit in no window: not labelled.
    pub too_long: u64,
}

impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} triples, {} answers", self.triples, self.answers)?;
        let rest = [
            (self.windowed, "contexts read in several windows"),
            (self.widened, "answers widened to whole word pieces"),
            (self.unalignable, "answers without a word piece"),
            (self.too_long, "answers longer than a window"),
        ];
        for (count, what) in rest.into_iter().filter(|(count, _)| *count > 0) {
            write!(f, ", {count} {what}")?;
        }
        Ok(())
    }
}

/// Tokenises triples; queries once each, contexts once where rows of a sentence follow each other.
#[derive(Debug, Clone, Copy)]
pub struct Encoder<'a> {
    pieces: &'a WordPieces,
    max_length: usize,
    keep_triples: bool,
}

impl<'a> Encoder<'a> {
    /// An encoder to sequences of at most `max_length` pieces.
    pub fn new(pieces: &'a WordPieces, max_length: usize) -> Self {
        Self { pieces, max_length, keep_triples: false }
    }

    /// Whether the triples' texts stay in memory beside their pieces: prediction needs them, training does not.
    #[must_use]
    pub fn keep_triples(mut self, keep: bool) -> Self {
        self.keep_triples = keep;
        self
    }

    /// Reads a folder of triples.
    ///
    /// # Errors
    /// A folder that is missing, not complete or not of triples; a query that leaves no room for a context.
    pub fn read(&self, dir: &Path) -> Result<DataSet> {
        let folder = ShardFolder::open::<Triple>(dir)?;
        let mut building = Building { encoder: self, data: DataSet::default(), queries: HashMap::new(), labels: HashMap::new() };
        // One thread decodes Parquet while the others tokenise.
        let (sender, blocks) = sync_channel(BLOCKS_AHEAD);
        thread::scope(|scope| {
            scope.spawn(move || {
                let mut pending = Vec::new();
                for rows in folder.rows::<Triple>() {
                    let failed = rows.is_err();
                    match rows {
                        Ok(rows) => pending.extend(rows),
                        Err(error) => sender.send(Err(error)).unwrap_or_default(),
                    }
                    if failed || (pending.len() >= BLOCK && sender.send(Ok(std::mem::take(&mut pending))).is_err()) {
                        return;
                    }
                }
                // Whoever does not want it has failed already.
                sender.send(Ok(pending)).unwrap_or_default();
            });
            for block in blocks {
                building.add(block?).with_context(|| format!("cannot encode {}", dir.display()))?;
            }
            Ok(building.data)
        })
    }

    /// Encodes triples that are in memory.
    ///
    /// # Errors
    /// A query that leaves no room for a context.
    pub fn encode(&self, triples: Vec<Triple>) -> Result<DataSet> {
        let mut building = Building { encoder: self, data: DataSet::default(), queries: HashMap::new(), labels: HashMap::new() };
        building.add(triples)?;
        Ok(building.data)
    }
}

struct Building<'a> {
    encoder: &'a Encoder<'a>,
    data: DataSet,
    queries: HashMap<String, Arc<Pieces>>,
    labels: HashMap<String, u32>,
}

impl Building<'_> {
    fn add(&mut self, mut triples: Vec<Triple>) -> Result<()> {
        triples.iter_mut().flat_map(|triple| &mut triple.spans).for_each(Span::trim);
        let mut distinct: Vec<&str> = triples.iter().map(|triple| triple.context.as_str()).collect();
        distinct.dedup();
        let mut contexts = self.encoder.pieces.tokenize(distinct)?.into_iter().map(Arc::new);
        let mut last: Option<(&str, Arc<Pieces>)> = None;
        for triple in &triples {
            let context = match &last {
                Some((text, context)) if *text == triple.context => context.clone(),
                _ => contexts.next().expect("as many tokenised contexts as there are distinct neighbours"),
            };
            last = Some((&triple.context, context.clone()));
            self.add_one(triple, &context)?;
        }
        if self.encoder.keep_triples {
            self.data.triples.extend(triples);
        }
        Ok(())
    }

    fn add_one(&mut self, triple: &Triple, context: &Arc<Pieces>) -> Result<()> {
        let query = match self.queries.entry(triple.query.clone()) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(new) => {
                let pieces = self.encoder.pieces.tokenize(vec![&triple.query])?.into_iter().map(Arc::new);
                new.insert(pieces.into_iter().next().expect("one text, one encoding")).clone()
            }
        };
        let max_length = self.encoder.max_length;
        let room = max_length.saturating_sub(query.ids.len() + SPECIALS);
        ensure!(
            room >= LEAST_WINDOW,
            "{}: its query has {} word pieces, which leaves no room for a context; raise --max-length {max_length} to {} or more",
            triple.id,
            query.ids.len(),
            query.ids.len() + SPECIALS + LEAST_WINDOW
        );
        let labels = self.labels.len() as u32;
        let label = *self.labels.entry(triple.label.clone()).or_insert_with(|| {
            self.data.labels.push(triple.label.clone());
            labels
        });
        let mut spans: Vec<(u32, u32)> = triple.spans.iter().map(|span| (span.start, span.end)).collect();
        spans.sort_unstable();
        spans.dedup();

        let counters = &mut self.data.counters;
        counters.triples += 1;
        counters.answers += spans.len() as u64;
        let mut aligned = Vec::with_capacity(spans.len());
        for &span in &spans {
            match align(context, span) {
                Some((pieces, exact)) => {
                    counters.widened += u64::from(!exact);
                    aligned.push((pieces, false));
                }
                None => counters.unalignable += 1,
            }
        }
        let windows = windows(context.ids.len(), room);
        counters.sequences += windows.len() as u64;
        counters.windowed += u64::from(windows.len() > 1);
        let triple = self.data.golds.len();
        for window in windows {
            let mut answers = Vec::new();
            for ((first, last), labelled) in &mut aligned {
                if window.start <= *first as usize && (*last as usize) < window.end {
                    *labelled = true;
                    answers.push((*first, *last));
                }
            }
            self.data.sequences.push(Sequence { triple, query: query.clone(), context: context.clone(), window, answers });
        }
        counters.too_long += aligned.iter().filter(|(_, labelled)| !labelled).count() as u64;
        self.data.golds.push(Gold { label, spans });
        Ok(())
    }
}

/// First and last piece that a span of chars touches, and whether their borders are the span's.
fn align(context: &Pieces, (start, end): (u32, u32)) -> Option<((u32, u32), bool)> {
    let first = context.offsets.partition_point(|piece| piece.1 <= start);
    let past = context.offsets.partition_point(|piece| piece.0 < end);
    if first >= past {
        return None;
    }
    let exact = context.offsets[first].0 == start && context.offsets[past - 1].1 == end;
    Some(((first as u32, past as u32 - 1), exact))
}

/// Windows of `room` pieces, each half a window after the one before; the last one ends with the context.
pub fn windows(pieces: usize, room: usize) -> Vec<Range<usize>> {
    let stride = (room / 2).max(1);
    let mut windows = Vec::new();
    let mut start = 0;
    while start + room < pieces {
        windows.push(start..start + room);
        start += stride;
    }
    windows.push(pieces.saturating_sub(room).min(start)..pieces);
    windows
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::Origin;

    /// A triple whose answers are given by their text.
    fn triple(context: &str, answers: &[&str]) -> Triple {
        let spans = answers.iter().map(|answer| {
            let start = context[..context.find(answer).unwrap()].chars().count() as u32;
            Span { start, end: start + answer.chars().count() as u32, text: (*answer).to_owned(), origin: Origin::Gold, score: None }
        });
        Triple {
            id: "d:0:PER".into(),
            label: "PER".into(),
            query: "who ?".into(),
            context: context.into(),
            spans: spans.collect(),
            ..Triple::default()
        }
    }

    fn pieces() -> WordPieces {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("vocab.txt");
        let vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\nwho\n?\njim\nmo\n##rri\n##son\nis\nhere\n.\n在\n北\n京\n人";
        std::fs::write(&path, vocabulary).unwrap();
        WordPieces::from_vocabulary(&path, true).unwrap()
    }

    fn check(context: &str, answers: &[&str], expected: &[(u32, u32)]) -> Counters {
        let pieces = pieces();
        let data = Encoder::new(&pieces, 40).encode(vec![triple(context, answers)]).unwrap();
        assert_eq!(data.sequences[0].answers, expected, "{context}");
        data.counters
    }

    #[test]
    fn answers_start_on_their_first_and_end_on_their_last_piece() {
        let exact = Counters { triples: 1, sequences: 1, answers: 1, ..Counters::default() };
        assert_eq!(check("Is Jim Morrison here.", &["Jim Morrison"], &[(1, 4)]), exact);
        assert_eq!(check("Jim is here", &["Jim"], &[(0, 0)]), exact);
        assert_eq!(check("人在北京。", &["北京"], &[(2, 3)]), exact);
        assert_eq!(check("Jim is Ödön here", &["Ödön"], &[(2, 2)]), exact);
    }

    #[test]
    fn borders_inside_a_piece_are_widened_and_counted() {
        let counters = check("Jim Morrison is here", &["im Morris"], &[(0, 3)]);
        assert_eq!((counters.widened, counters.unalignable), (1, 0));
        // White space at the ends is none of the answer.
        assert_eq!(check("Is Jim here", &[" Jim "], &[(1, 1)]).widened, 0);
        let counters = check("Jim   is here", &["  "], &[]);
        assert_eq!((counters.widened, counters.unalignable), (0, 1));
    }

    #[test]
    fn windows_cover_all_pieces() {
        assert_eq!(windows(10, 10), vec![0..10; 1]);
        assert_eq!(windows(0, 10), vec![0..0; 1]);
        assert_eq!(windows(11, 10), [0..10, 1..11]);
        assert_eq!(windows(23, 10), [0..10, 5..15, 10..20, 13..23]);
        assert_eq!(windows(25, 10), [0..10, 5..15, 10..20, 15..25]);
    }

    #[test]
    fn answers_of_a_long_context_are_labelled_in_each_window_that_holds_them() {
        let context = "is ".repeat(12) + "jim morrison " + &"here ".repeat(9);
        let pieces = pieces();
        // 15 pieces: 2 of the query, 3 special ones, 10 of the context.
        let data = Encoder::new(&pieces, 15).encode(vec![triple(&context, &["jim morrison"])]).unwrap();
        assert_eq!((data.counters.windowed, data.counters.too_long), (1, 0));
        for sequence in &data.sequences {
            let inside = sequence.window.start <= 12 && sequence.window.end >= 16;
            assert_eq!(sequence.answers.len(), usize::from(inside), "{:?}", sequence.window);
            assert!(sequence.length() <= 15);
        }
        let data = Encoder::new(&pieces, 15).encode(vec![triple(&context, &[context.trim()])]).unwrap();
        assert_eq!(data.counters.too_long, 1);
    }

    #[test]
    fn a_query_without_room_is_an_error() {
        let error = Encoder::new(&pieces(), 12).encode(vec![triple("jim", &[])]).unwrap_err().to_string();
        assert!(error.contains("--max-length 12 to 13"), "{error}");
    }
}

//! Triples to sequences of word pieces with labels.
//!
//! A sequence is `[CLS] query [SEP] context [SEP]` (BERT-MRC, Li et al. 2020). A context that does not fit is read in
//! overlapping windows, so that nothing is cut off. Answers that cannot be labelled exactly are counted.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Result, ensure};
use arrow::array::RecordBatch;
use schemas::{Row, Triple, TripleView, TripleViews};

use super::alignment::{align, windows};
use super::dataset::{Dataset, GoldSpans, SPECIAL_TOKENS, Sequence};
use super::tokenized_text::EncodedContext;
use super::tokenizer::WordPieceTokenizer;

/// The columns of triples that are read.
pub const COLUMNS: [&str; 5] = ["label", "query", "context", "spans.start", "spans.end"];

/// Fewest word pieces of context that must fit beside a query.
const MIN_WINDOW: usize = 8;

/// Encodes triples: tokenises them and aligns their answers to word pieces. Each query is tokenised once, and so is the context
/// that neighbouring rows share.
#[derive(Debug, Clone, Copy)]
pub struct TripleEncoder<'a> {
    tokenizer: &'a WordPieceTokenizer,
    max_length: usize,
}

impl<'a> TripleEncoder<'a> {
    /// An encoder to sequences of at most `max_length` word pieces, query and special tokens included.
    pub fn new(tokenizer: &'a WordPieceTokenizer, max_length: usize) -> Self {
        Self { tokenizer, max_length }
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &'a WordPieceTokenizer {
        self.tokenizer
    }

    /// Encodes consecutive triples with the columns [`COLUMNS`]; `first_triple` is the number of the first one in its folder.
    ///
    /// # Errors
    /// A column that does not fit; a query that leaves no room for a context.
    pub fn encode_batches(&self, first_triple: usize, batches: &[RecordBatch]) -> Result<Dataset> {
        self.encode_with_contexts(first_triple, batches, &self.contexts(batches)?)
    }

    /// The tokenised context of each of these triples. Neighbours with the same context share it.
    ///
    /// # Errors
    /// A column that does not fit.
    pub fn contexts(&self, batches: &[RecordBatch]) -> Result<Vec<EncodedContext>> {
        let views = batches.iter().map(|batch| TripleViews::new(batch, &COLUMNS)).collect::<Result<Vec<_>, _>>()?;
        let texts: Vec<&str> = views.iter().flat_map(TripleViews::iter).map(TripleView::context).collect();
        let distinct: Vec<&[&str]> = texts.chunk_by(|text, next| text == next).collect();
        let tokenized = self.tokenizer.tokenize(&distinct.iter().map(|texts| texts[0]).collect::<Vec<_>>())?;
        let contexts =
            distinct.iter().zip(tokenized).flat_map(|(texts, text)| std::iter::repeat_n(EncodedContext::from(text), texts.len()));
        Ok(contexts.collect())
    }

    /// As [`encode_batches`](Self::encode_batches), with the contexts that [`contexts`](Self::contexts) gives.
    ///
    /// # Errors
    /// As `encode_batches`.
    ///
    /// # Panics
    /// There are fewer contexts than triples.
    pub fn encode_with_contexts(&self, first_triple: usize, batches: &[RecordBatch], contexts: &[EncodedContext]) -> Result<Dataset> {
        let mut dataset = Dataset { first_triple, ..Dataset::default() };
        let unknown = self.tokenizer.unknown();
        for context in contexts.chunk_by(EncodedContext::is_shared_with).map(|rows| &rows[0]) {
            dataset.counts.word_pieces += context.ids.len() as u64;
            dataset.counts.unknown += context.ids.iter().filter(|&&id| id == unknown).count() as u64;
        }
        let mut builder = DatasetBuilder { encoder: self, dataset, queries: HashMap::new(), labels: HashMap::new() };
        let mut first = 0;
        for batch in batches {
            let triples = TripleViews::new(batch, &COLUMNS)?;
            triples.iter().zip(&contexts[first..]).try_for_each(|(triple, context)| builder.add_triple(triple, context))?;
            first += batch.num_rows();
        }
        assert_eq!(builder.dataset.gold.len(), first, "a context for each triple");
        Ok(builder.dataset)
    }

    /// Encodes triples that are in memory.
    ///
    /// # Errors
    /// A query that leaves no room for a context.
    pub fn encode(&self, triples: &[Triple]) -> Result<Dataset> {
        self.encode_batches(0, &[Triple::to_batch(triples)])
    }
}

struct DatasetBuilder<'a> {
    encoder: &'a TripleEncoder<'a>,
    dataset: Dataset,
    queries: HashMap<String, Arc<[u32]>>,
    labels: HashMap<String, u32>,
}

impl DatasetBuilder<'_> {
    fn add_triple(&mut self, triple: TripleView<'_>, context: &EncodedContext) -> Result<()> {
        let query = self.query(triple.query())?;
        let max_length = self.encoder.max_length;
        let room = max_length.saturating_sub(query.len() + SPECIAL_TOKENS);
        ensure!(
            room >= MIN_WINDOW,
            "the query of label `{}` has {} word pieces, which leaves no room for a context; raise --max-length {max_length} to {} or more",
            triple.label(),
            query.len(),
            query.len() + SPECIAL_TOKENS + MIN_WINDOW
        );
        let label = self.label(triple.label());
        let mut spans: Vec<(u32, u32)> = triple.trimmed_spans().map(|(start, end, _)| (start, end)).collect();
        spans.sort_unstable();
        spans.dedup();

        let counts = &mut self.dataset.counts;
        counts.triples += 1;
        counts.answers += spans.len() as u64;
        let mut aligned = Vec::with_capacity(spans.len());
        for &span in &spans {
            match align(&context.offsets, span) {
                Some((word_pieces, exact)) => {
                    counts.widened += u64::from(!exact);
                    aligned.push((word_pieces, false));
                }
                None => counts.unalignable += 1,
            }
        }
        let windows = windows(context.ids.len(), room);
        counts.sequences += windows.len() as u64;
        counts.windowed += u64::from(windows.len() > 1);
        let triple = self.dataset.first_triple + self.dataset.gold.len();
        let mut answers_before = 0;
        for window in windows {
            let mut answers = Vec::new();
            for ((first, last), labelled) in &mut aligned {
                if window.start <= *first as usize && (*last as usize) < window.end {
                    *labelled = true;
                    answers.push((*first, *last));
                }
            }
            let count = answers.len();
            let (query, context) = (query.clone(), context.ids.clone());
            self.dataset.sequences.push(Sequence { triple, query, context, window, answers, answers_before });
            answers_before += count;
        }
        counts.too_long += aligned.iter().filter(|(_, labelled)| !labelled).count() as u64;
        self.dataset.gold.push(GoldSpans { label, spans });
        self.dataset.offsets.push(context.offsets.clone());
        Ok(())
    }

    /// The tokenised query.
    fn query(&mut self, text: &str) -> Result<Arc<[u32]>> {
        if let Some(query) = self.queries.get(text) {
            return Ok(query.clone());
        }
        let tokenizer = self.encoder.tokenizer;
        let mut ids = tokenizer.tokenize(&[text])?.pop().expect("one text, one encoding").ids;
        // Where two separators divide query and context, the query ends with the first.
        ids.extend(std::iter::repeat_n(tokenizer.special_tokens().sep, tokenizer.separators() - 1));
        let query: Arc<[u32]> = ids.into();
        self.queries.insert(text.to_owned(), query.clone());
        Ok(query)
    }

    /// Index of the label in [`Dataset::labels`].
    fn label(&mut self, label: &str) -> u32 {
        if let Some(&index) = self.labels.get(label) {
            return index;
        }
        let index = self.dataset.labels.len() as u32;
        self.labels.insert(label.to_owned(), index);
        self.dataset.labels.push(label.to_owned());
        index
    }
}

#[cfg(test)]
mod tests {
    use super::super::{EncodingCounts, TripleFolder, WordPieceCache};
    use super::*;
    use schemas::{Origin, Span};

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

    fn tokenizer() -> WordPieceTokenizer {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("vocab.txt");
        let vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\nwho\n?\njim\nmo\n##rri\n##son\nis\nhere\n.\n在\n北\n京\n人";
        std::fs::write(&path, vocabulary).unwrap();
        WordPieceTokenizer::from_vocabulary(&path, true).unwrap()
    }

    fn check(context: &str, answers: &[&str], expected: &[(u32, u32)]) -> EncodingCounts {
        let tokenizer = tokenizer();
        let data = TripleEncoder::new(&tokenizer, 40).encode(&[triple(context, answers)]).unwrap();
        assert_eq!(data.sequences[0].answers, expected, "{context}");
        EncodingCounts { word_pieces: 0, unknown: 0, ..data.counts }
    }

    #[test]
    fn answers_start_on_their_first_and_end_on_their_last_word_piece() {
        let exact = EncodingCounts { triples: 1, sequences: 1, answers: 1, ..EncodingCounts::default() };
        assert_eq!(check("Is Jim Morrison here.", &["Jim Morrison"], &[(1, 4)]), exact);
        assert_eq!(check("Jim is here", &["Jim"], &[(0, 0)]), exact);
        assert_eq!(check("人在北京。", &["北京"], &[(2, 3)]), exact);
        assert_eq!(check("Jim is Ödön here", &["Ödön"], &[(2, 2)]), exact);
    }

    #[test]
    fn borders_inside_a_word_piece_are_widened_and_counted() {
        let counts = check("Jim Morrison is here", &["im Morris"], &[(0, 3)]);
        assert_eq!((counts.widened, counts.unalignable), (1, 0));
        // White space at the ends is not part of the answer.
        assert_eq!(check("Is Jim here", &[" Jim "], &[(1, 1)]).widened, 0);
        let counts = check("Jim   is here", &["  "], &[]);
        assert_eq!((counts.widened, counts.unalignable), (0, 1));
    }

    #[test]
    fn answers_of_a_long_context_are_labelled_in_each_window_that_holds_them() {
        let context = "is ".repeat(12) + "jim morrison " + &"here ".repeat(9);
        let tokenizer = tokenizer();
        // 15 word pieces: 2 of the query, 3 special tokens, 10 of the context.
        let data = TripleEncoder::new(&tokenizer, 15).encode(&[triple(&context, &["jim morrison"])]).unwrap();
        assert_eq!((data.counts.windowed, data.counts.too_long), (1, 0));
        for sequence in &data.sequences {
            let inside = sequence.window.start <= 12 && sequence.window.end >= 16;
            assert_eq!(sequence.answers.len(), usize::from(inside), "{:?}", sequence.window);
            assert!(sequence.length() <= 15);
        }
        let data = TripleEncoder::new(&tokenizer, 15).encode(&[triple(&context, &[context.trim()])]).unwrap();
        assert_eq!(data.counts.too_long, 1);
    }

    #[test]
    fn a_query_without_room_is_an_error() {
        let error = TripleEncoder::new(&tokenizer(), 12).encode(&[triple("jim", &[])]).unwrap_err().to_string();
        assert!(error.contains("--max-length 12 to 13"), "{error}");
    }

    #[test]
    fn a_folder_is_encoded_as_its_rows_are() {
        let dir = tempfile::tempdir().unwrap();
        let manifest = schemas::Manifest::new("test 0", "test", serde_json::json!({}));
        let mut writer = schemas::ShardWriter::create(&dir.path().join("triples"), false, manifest)
            .unwrap()
            .with_shard_bytes(20_000)
            .with_row_group_rows(100);
        // More rows than a batch, several of a context, and one without its last row in the batch.
        let triples: Vec<Triple> = (0..1501)
            .map(|number| {
                let name = ["Jim", "Morrison", "北京"][number / 4 % 3];
                let label = ["PER", "LOC", "ORG", "MISC"][number % 4];
                let answers: &[&str] = if number % 4 == number / 4 % 4 { &[name] } else { &[] };
                Triple { label: label.into(), query: format!("{label} ?"), ..triple(&format!("{name} is here {}", number / 4), answers) }
            })
            .collect();
        triples.iter().cloned().try_for_each(|triple| writer.write(triple)).unwrap();
        writer.finish(Vec::new(), Default::default(), None).unwrap();
        let tokenizer = tokenizer();
        let encoder = TripleEncoder::new(&tokenizer, 20);
        let folder = TripleFolder::open(&dir.path().join("triples"), encoder, 400).unwrap();
        let rows = encoder.encode(&triples).unwrap();
        let labelled = |data: &Dataset| {
            let labelled = |gold: &GoldSpans| (data.labels[gold.label as usize].clone(), gold.spans.clone());
            data.gold.iter().map(labelled).collect::<Vec<_>>()
        };
        let (mut counts, mut gold, mut sequences) = (EncodingCounts::default(), Vec::new(), Vec::new());
        folder
            .for_each(|data| {
                assert!(data.gold.len() <= 400 && data.first_triple == gold.len());
                counts += data.counts;
                gold.extend(labelled(&data));
                sequences.extend(data.sequences);
                Ok(())
            })
            .unwrap();
        // A context on both sides of a border of slices is tokenised for each.
        let tokenised_once = |counts| EncodingCounts { word_pieces: 0, ..counts };
        assert_eq!((tokenised_once(counts), counts.triples, gold), (tokenised_once(rows.counts), 1501, labelled(&rows)));
        assert_eq!(sequences, rows.sequences);

        // With the word pieces of a cache, which slices of another size were written to.
        let cache = Arc::new(WordPieceCache::create(dir.path()).unwrap());
        for most_rows in [100, 400] {
            let folder = TripleFolder::open(&dir.path().join("triples"), encoder, most_rows).unwrap().with_cache(cache.clone());
            let mut cached = Vec::new();
            folder
                .for_each(|data| {
                    cached.extend(data.sequences);
                    Ok(())
                })
                .unwrap();
            assert_eq!(cached, rows.sequences, "{most_rows}");
            assert!(cache.read(0..1501).unwrap().is_some());
        }
    }

    #[test]
    fn a_context_is_tokenised_once_where_its_rows_lie_in_two_batches() {
        let tokenizer = tokenizer();
        let batches = [triple("Jim is here", &["Jim"]), triple("Jim is here", &[])].map(|triple| Triple::to_batch(&[triple]));
        let data = TripleEncoder::new(&tokenizer, 20).encode_batches(7, &batches).unwrap();
        assert!(Arc::ptr_eq(&data.sequences[0].context, &data.sequences[1].context));
        assert_eq!((data.sequences[1].triple, data.counts.word_pieces), (8, 3));
    }

    #[test]
    fn rows_of_a_sentence_share_their_context() {
        let tokenizer = tokenizer();
        let triples = [triple("Jim is here", &["Jim"]), triple("Jim is here", &[]), triple("is here", &[])];
        let data = TripleEncoder::new(&tokenizer, 20).encode(&triples).unwrap();
        assert!(Arc::ptr_eq(&data.sequences[0].context, &data.sequences[1].context));
        assert!(Arc::ptr_eq(&data.sequences[0].query, &data.sequences[2].query));
        assert_eq!(data.counts.word_pieces, 3 + 2);
        assert_eq!(data.gold[0], GoldSpans { label: 0, spans: vec![(0, 3)] });
    }
}

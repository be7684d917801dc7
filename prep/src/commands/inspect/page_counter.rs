//! Counts the pages of a folder, chunk by chunk.

use std::collections::BTreeMap;

use polars::prelude::*;
use schemas::Page;

use super::choose_samples::sample_rows;
use super::duplicates::DuplicateCounter;
use super::highlight::{HighlightStyle, highlight_spans};
use super::lengths::{LengthCounts, histograms};
use super::page_statistics::PageStatistics;
use super::row_chunks::{RowChunks, explode_list, struct_field, value_counts};
use super::sample::Sample;
use super::token_counter::TokenCounter;
use super::top_texts::TopTexts;
use crate::ordered_map::{Limits, TaskQueue, ordered_map};

/// Chars of a sample's text.
const SAMPLE_CHARS: u32 = 300;

/// The statistics of all pages.
///
/// # Errors
/// A shard cannot be read.
pub fn count_pages(
    chunks: &RowChunks,
    limits: Limits,
    samples: usize,
    tokens: Option<&TokenCounter>,
    style: HighlightStyle,
) -> anyhow::Result<PageStatistics> {
    let mut counter = PageCounter::default();
    chunks.map_in_order(limits, |chunk| PageChunk::read(chunks.frame(chunk)?, tokens), |chunk| counter.add_chunk(&chunk))?;
    let samples = counter.sample(chunks, samples, style)?;
    Ok(counter.into_statistics(count_segments(chunks, limits)?, samples))
}

#[derive(Default)]
struct PageCounter {
    /// The counts that need no more work at the end.
    statistics: PageStatistics,
    text_chars: LengthCounts,
    text_tokens: LengthCounts,
    sentence_chars: LengthCounts,
    anchors_per_page: LengthCounts,
    targets: TopTexts,
    duplicates: DuplicateCounter,
    /// Rows of each chunk, and those of them that have a link.
    rows_by_chunk: Vec<u64>,
    rows_with_links_by_chunk: Vec<u64>,
}

/// What one thread finds in a chunk.
struct PageChunk {
    /// By row: whether it is a `redirect` and a `disambiguation`, `text`, `chars` of it, and the number of `anchors`.
    pages: DataFrame,
    /// Tokens of each text that is not empty; none where tokens are not counted.
    tokens: Vec<u64>,
    /// By sentence: `chars`.
    sentences: DataFrame,
    targets: Vec<(String, u64)>,
    issues: Vec<(String, u64)>,
}

impl PageChunk {
    fn read(chunk: LazyFrame, tokens: Option<&TokenCounter>) -> anyhow::Result<Self> {
        let columns = ["redirect", "disambiguation", "text", "anchors", "sentences", "issues"].map(col);
        let chunk = chunk.select(columns).collect()?;
        let columns = [
            col("redirect").is_not_null(),
            col("disambiguation"),
            col("text"),
            col("text").str().len_chars().alias("chars"),
            col("anchors").list().len(),
        ];
        let pages = chunk.clone().lazy().select(columns).collect()?;
        let texts = pages.column("text")?.str()?.iter().flatten().filter(|text| !text.is_empty());
        let tokens = tokens.map_or(Ok(Vec::new()), |tokens| texts.map(|text| tokens.count(text)).collect::<anyhow::Result<_>>())?;
        let sentence_chars = (struct_field("sentences", "end") - struct_field("sentences", "start")).alias("chars");
        Ok(Self {
            tokens,
            pages,
            sentences: explode_list(chunk.clone().lazy(), "sentences").select([sentence_chars]).collect()?,
            targets: value_counts(explode_list(chunk.clone().lazy(), "anchors"), struct_field("anchors", "target"))?,
            issues: value_counts(explode_list(chunk.lazy(), "issues"), col("issues"))?,
        })
    }
}

impl PageCounter {
    fn add_chunk(&mut self, chunk: &PageChunk) -> anyhow::Result<()> {
        self.add_pages(&chunk.pages)?;
        chunk.tokens.iter().for_each(|&tokens| self.text_tokens.add(tokens, 1));
        for chars in chunk.sentences.column("chars")?.u32()?.iter().flatten() {
            self.statistics.sentences += 1;
            self.sentence_chars.add(u64::from(chars), 1);
        }
        // A link to a section of its own page has no target.
        let targets = chunk.targets.iter().filter(|(target, _)| !target.is_empty());
        targets.for_each(|(target, count)| self.targets.add(target, *count));
        for (issue, count) in &chunk.issues {
            *self.statistics.issues.entry(issue.clone()).or_default() += count;
        }
        Ok(())
    }

    fn add_pages(&mut self, frame: &DataFrame) -> anyhow::Result<()> {
        let count_true = |column: &str| anyhow::Ok(u64::from(frame.column(column)?.bool()?.sum().unwrap_or(0)));
        self.statistics.rows += frame.height() as u64;
        self.statistics.redirects += count_true("redirect")?;
        self.statistics.disambiguations += count_true("disambiguation")?;
        let (texts, chars, links) = (frame.column("text")?.str()?, frame.column("chars")?.u32()?, frame.column("anchors")?.u32()?);
        let mut with_links = 0;
        for row in 0..frame.height() {
            let (Some(text), Some(chars), Some(links)) = (texts.get(row), chars.get(row), links.get(row)) else { continue };
            self.statistics.chars += u64::from(chars);
            self.statistics.anchors += u64::from(links);
            with_links += u64::from(links > 0);
            if text.is_empty() {
                self.statistics.empty += 1;
                continue;
            }
            self.text_chars.add(u64::from(chars), 1);
            self.anchors_per_page.add(u64::from(links), 1);
            self.duplicates.add(text, 0);
        }
        self.rows_by_chunk.push(frame.height() as u64);
        self.rows_with_links_by_chunk.push(with_links);
        Ok(())
    }

    /// Samples pages with links, or any pages where none has links.
    fn sample(&self, chunks: &RowChunks, count: usize, style: HighlightStyle) -> anyhow::Result<Vec<Sample>> {
        let any_links = self.statistics.anchors > 0;
        let rows_by_chunk = if any_links { &self.rows_with_links_by_chunk } else { &self.rows_by_chunk };
        let rows = sample_rows(rows_by_chunk, count, |chunk| {
            let frame = chunks.frame(chunk)?;
            let frame = if any_links { frame.filter(col("anchors").list().len().gt(lit(0))) } else { frame };
            Ok(frame.select(["title", "text", "anchors"].map(col)))
        })?;
        rows.into_iter().map(|row| sample_of_row(&row, style)).collect()
    }

    fn into_statistics(self, segments: BTreeMap<String, u64>, samples: Vec<Sample>) -> PageStatistics {
        PageStatistics {
            text_chars: self.text_chars.summary(),
            text_tokens: self.text_tokens.summary(),
            sentence_chars: self.sentence_chars.summary(),
            histograms: histograms([
                ("text_chars", &self.text_chars),
                ("text_tokens", &self.text_tokens),
                ("sentence_chars", &self.sentence_chars),
                ("anchors_per_page", &self.anchors_per_page),
            ]),
            duplicates: self.duplicates.into_report(),
            targets: self.targets.into_most_frequent(),
            segments,
            samples,
            ..self.statistics
        }
    }
}

/// Segments by kind. Read as typed rows: polars cannot read the `UInt8` levels beside the kinds without its feature `dtype-u8`.
fn count_segments(chunks: &RowChunks, limits: Limits) -> anyhow::Result<BTreeMap<String, u64>> {
    let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
    let (_, counted) = ordered_map(
        limits,
        &TaskQueue::default(),
        |feed| chunks.shards().iter().all(|shard| feed.send(shard, 0)),
        |shard| -> anyhow::Result<BTreeMap<&str, u64>> {
            let mut kinds = BTreeMap::new();
            for batch in schemas::shard::open_shard(shard)? {
                for segment in Page::views(&batch?)?.into_iter().flat_map(|page| page.segments) {
                    *kinds.entry(segment.kind.name()).or_default() += 1;
                }
            }
            Ok(kinds)
        },
        |of_shard| -> anyhow::Result<()> {
            of_shard?.into_iter().for_each(|(kind, count)| *kinds.entry(kind.to_owned()).or_default() += count);
            Ok(())
        },
    );
    counted.map(|()| kinds)
}

/// The beginning of a page, up to the end of a link that would be cut.
fn sample_of_row(row: &DataFrame, style: HighlightStyle) -> anyhow::Result<Sample> {
    let field = |name: &str| anyhow::Ok(row.column(name)?.str()?.get(0).unwrap_or_default().to_owned());
    let anchors = explode_list(row.clone().lazy(), "anchors");
    let anchors = anchors.select(["start", "end", "target"].map(|name| struct_field("anchors", name))).collect()?;
    let (starts, ends, targets) = (anchors.column("start")?.u32()?, anchors.column("end")?.u32()?, anchors.column("target")?.str()?);
    let ranges = || starts.iter().zip(ends.iter()).filter_map(|(start, end)| Some(start?..end?));
    let end = ranges().find(|range| range.start < SAMPLE_CHARS && SAMPLE_CHARS < range.end).map_or(SAMPLE_CHARS, |range| range.end);
    let links = ranges().zip(targets.iter()).filter(|(range, _)| range.end <= end);
    let spans: Vec<_> = links.map(|(range, target)| (range, target.unwrap_or_default().to_owned())).collect();
    let whole = field("text")?;
    let mut text: String = whole.chars().take(end as usize).collect();
    if text.len() < whole.len() {
        text.push_str(" …");
    }
    let highlighted = highlight_spans(&text, &spans, style);
    Ok(Sample { id: field("title")?, query: None, label: None, highlighted, text, spans })
}

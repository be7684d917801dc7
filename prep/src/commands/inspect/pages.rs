//! What a folder of pages holds.

use std::collections::BTreeMap;

use polars::prelude::*;
use schemas::Page;
use serde::Serialize;

use super::chart::Panel;
use super::count::{Bin, Count, DuplicateReport, Duplicates, Lengths, Spread, Top};
use super::mark::{Style, marked};
use super::parts::{Parts, chosen, exploded, value_counts};
use super::tokens::TokenCounter;
use super::{BINS, SHOWN, Sample, most_frequent};
use crate::number_format::grouped;

/// Chars of a sample's text.
const SAMPLE_CHARS: u32 = 300;

/// Counts of pages.
#[derive(Debug, Default, Serialize)]
pub struct PageReport {
    /// Pages.
    pub rows: u64,
    /// Those that are redirects.
    pub redirects: u64,
    /// Those that list the meanings of their title.
    pub disambiguations: u64,
    /// Those without text, redirects among them.
    pub empty: u64,
    /// Chars of text.
    pub chars: u64,
    /// Links.
    pub anchors: u64,
    /// Sentences.
    pub sentences: u64,
    /// Lengths of the texts there are.
    pub text_chars: Option<Spread>,
    /// The same in tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text_tokens: Option<Spread>,
    /// Lengths of the sentences.
    pub sentence_chars: Option<Spread>,
    /// How often each length comes, by what is long.
    pub histograms: BTreeMap<&'static str, Vec<Bin>>,
    /// Pages with the same text.
    pub duplicates: DuplicateReport,
    /// Segments by kind.
    pub segments: BTreeMap<String, u64>,
    /// Pages by what was odd in their wikitext.
    pub issues: BTreeMap<String, u64>,
    /// The titles most often linked to.
    pub targets: Vec<Count>,
    /// Pages with links, spread over the folder; pages without where there are none.
    pub samples: Vec<Sample>,
}

/// Counts a folder of pages, part by part.
///
/// # Errors
/// A shard that cannot be read.
pub fn report(parts: &Parts, sample: usize, tokens: Option<&TokenCounter>, style: Style) -> anyhow::Result<PageReport> {
    let mut report = PageReport { segments: segments(parts)?, ..PageReport::default() };
    let (mut chars, mut token_counts, mut targets) = (Lengths::default(), Lengths::default(), Top::default());
    let mut sentences = Lengths::default();
    let (mut linked, mut all) = (Vec::new(), Vec::new());
    let (mut links_a_page, mut duplicates) = (Lengths::default(), Duplicates::default());
    for part in 0..parts.count() {
        let columns = ["redirect", "disambiguation", "text", "anchors", "sentences", "issues"].map(col);
        let part = parts.frame(part)?.select(columns).collect()?;
        let columns = [
            col("redirect").is_not_null(),
            col("disambiguation"),
            col("text"),
            col("text").str().len_chars().alias("chars"),
            col("anchors").list().len(),
        ];
        let frame = part.clone().lazy().select(columns).collect()?;
        let count = |column: &str| anyhow::Ok(u64::from(frame.column(column)?.bool()?.sum().unwrap_or(0)));
        report.rows += frame.height() as u64;
        report.redirects += count("redirect")?;
        report.disambiguations += count("disambiguation")?;
        for length in frame.column("chars")?.u32()?.iter().flatten() {
            report.chars += u64::from(length);
            report.empty += u64::from(length == 0);
            if length > 0 {
                chars.add(u64::from(length), 1);
            }
        }
        let links = frame.column("anchors")?.u32()?;
        for (text, links) in frame.column("text")?.str()?.iter().zip(links.iter()) {
            let (Some(text), Some(links)) = (text, links) else { continue };
            if text.is_empty() {
                continue;
            }
            links_a_page.add(u64::from(links), 1);
            duplicates.add(text, 0);
            if let Some(tokens) = tokens {
                token_counts.add(tokens.count(text)?, 1);
            }
        }
        let offset = |name: &str| col("sentences").struct_().field_by_name(name);
        let lengths = exploded(part.clone().lazy(), "sentences").select([(offset("end") - offset("start")).alias("chars")]).collect()?;
        for length in lengths.column("chars")?.u32()?.iter().flatten() {
            report.sentences += 1;
            sentences.add(u64::from(length), 1);
        }
        report.anchors += links.iter().flatten().map(u64::from).sum::<u64>();
        linked.push(links.iter().flatten().filter(|&links| links > 0).count() as u64);
        all.push(frame.height() as u64);
        for (target, count) in value_counts(exploded(part.clone().lazy(), "anchors"), col("anchors").struct_().field_by_name("target"))? {
            // A link to a section of the same page has none.
            if !target.is_empty() {
                targets.add(&target, count);
            }
        }
        for (issue, count) in value_counts(exploded(part.lazy(), "issues"), col("issues"))? {
            *report.issues.entry(issue).or_default() += count;
        }
    }
    report.text_chars = chars.spread();
    report.sentence_chars = sentences.spread();
    report.text_tokens = token_counts.spread();
    report.targets = targets.first(SHOWN);
    let any_link = report.anchors > 0;
    let lengths =
        [("text_chars", &chars), ("text_tokens", &token_counts), ("sentence_chars", &sentences), ("anchors_per_page", &links_a_page)];
    let histograms = lengths.into_iter().map(|(name, lengths)| (name, lengths.bins(BINS))).filter(|(_, bins)| !bins.is_empty());
    report.histograms = histograms.collect();
    report.duplicates = duplicates.report(SHOWN);
    let rows = chosen(if any_link { &linked } else { &all }, sample, |part| {
        let frame = parts.frame(part)?;
        let frame = if any_link { frame.filter(col("anchors").list().len().gt(lit(0))) } else { frame };
        Ok(frame.select(["title", "text", "anchors"].map(col)))
    })?;
    report.samples = rows.into_iter().map(|row| show(&row, style)).collect::<anyhow::Result<_>>()?;
    Ok(report)
}

/// Segments by kind. Typed rows rather than polars: without its `dtype-u8` it cannot read the levels beside the kinds.
fn segments(parts: &Parts) -> anyhow::Result<BTreeMap<String, u64>> {
    let mut kinds = BTreeMap::new();
    for shard in parts.shards() {
        for batch in schemas::shard::open_shard(shard)? {
            for page in Page::views(&batch?)? {
                for segment in page.segments {
                    *kinds.entry(segment.kind.name().to_owned()).or_default() += 1;
                }
            }
        }
    }
    Ok(kinds)
}

fn show(frame: &DataFrame, style: Style) -> anyhow::Result<Sample> {
    let field = |name: &str| anyhow::Ok(frame.column(name)?.str()?.get(0).unwrap_or_default().to_owned());
    let anchors = exploded(frame.clone().lazy(), "anchors");
    let anchors = anchors.select(["start", "end", "target"].map(|name| col("anchors").struct_().field_by_name(name))).collect()?;
    let (starts, ends, targets) = (anchors.column("start")?.u32()?, anchors.column("end")?.u32()?, anchors.column("target")?.str()?);
    // The head of the text, to the end of a link it would cut.
    let ranges = || starts.iter().zip(ends.iter()).filter_map(|(start, end)| Some(start?..end?));
    let cut = ranges().find(|range| range.start < SAMPLE_CHARS && SAMPLE_CHARS < range.end).map_or(SAMPLE_CHARS, |range| range.end);
    let links = ranges().zip(targets.iter()).filter(|(range, _)| range.end <= cut);
    let spans: Vec<_> = links.map(|(range, to)| (range, to.unwrap_or_default().to_owned())).collect();
    let text = field("text")?;
    let mut head: String = text.chars().take(cut as usize).collect();
    if head.len() < text.len() {
        head.push_str(" …");
    }
    Ok(Sample { id: field("title")?, query: None, label: None, marked: marked(&head, &spans, style), text: head, spans })
}

impl PageReport {
    /// The figures at the top of a page.
    pub(super) fn cards(&self) -> Vec<(&'static str, String)> {
        vec![
            ("pages", grouped(self.rows)),
            ("redirects", grouped(self.redirects)),
            ("disambiguations", grouped(self.disambiguations)),
            ("without text", grouped(self.empty)),
            ("chars", grouped(self.chars)),
            ("sentences", grouped(self.sentences)),
            ("links", grouped(self.anchors)),
            ("copies of texts", grouped(self.duplicates.copies)),
        ]
    }

    /// The charts of a page.
    pub(super) fn panels(&self) -> Vec<Panel> {
        let histogram = |name, title, spread| Panel::lengths(title, spread, self.histograms.get(name));
        vec![
            histogram("text_chars", "Chars a page", self.text_chars),
            histogram("text_tokens", "Tokens a page", self.text_tokens),
            histogram("sentence_chars", "Chars a sentence", self.sentence_chars),
            histogram("anchors_per_page", "Links a page", None),
            Panel::counts("Segments", String::new(), &self.segments),
            Panel::counts("What was odd in the wikitext", String::new(), &self.issues),
            Panel::most("Titles most often linked to", String::new(), &self.targets),
            Panel::most("Texts that come more than once", self.duplicates.to_string(), &self.duplicates.most),
        ]
    }
}

impl std::fmt::Display for PageReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let counts = |counts: &BTreeMap<String, u64>| {
            let counts: Vec<String> = counts.iter().map(|(name, count)| format!("{name} {}", grouped(*count))).collect();
            if counts.is_empty() { "none".to_owned() } else { counts.join(", ") }
        };
        writeln!(
            f,
            "pages           {}: {} redirects, {} disambiguations, {} without text",
            grouped(self.rows),
            grouped(self.redirects),
            grouped(self.disambiguations),
            grouped(self.empty)
        )?;
        writeln!(f, "chars           {}", grouped(self.chars))?;
        let lengths = [("text chars", self.text_chars), ("text tokens", self.text_tokens), ("sentence chars", self.sentence_chars)];
        for (name, spread) in lengths.into_iter().filter_map(|(name, spread)| Some((name, spread?))) {
            writeln!(f, "{name:<15} {spread}")?;
        }
        let rate = if self.chars == 0 { 0.0 } else { self.anchors as f64 * 1000.0 / self.chars as f64 };
        writeln!(f, "anchors         {}, {rate:.1} per 1,000 chars", grouped(self.anchors))?;
        writeln!(f, "sentences       {}", grouped(self.sentences))?;
        writeln!(f, "segments        {}", counts(&self.segments))?;
        writeln!(f, "issues          {}", counts(&self.issues))?;
        writeln!(f, "duplicates      {}", self.duplicates)?;
        writeln!(f, "top targets     {}", most_frequent(&self.targets))
    }
}

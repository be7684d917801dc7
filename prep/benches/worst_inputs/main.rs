//! Searches for wikitext whose time grows worse than linearly, on the way from the XML of a page to its triples.
//!
//!     cargo bench -p prep --bench worst_inputs -- [--pairs] [--lang LANG]... [--limit SECONDS] [TEXT]
//!
//! Each input of [`constructs`] is measured at some size and at four times as much; with `--pairs` each pair of constructs. Printed are those
//! that take more than eight times as long, and those that take longer than the limit, 1 second, for 2 MB. Both are measured again at 2 MB.
//! `TEXT` keeps the inputs whose name contains it. The exit code is 1 if 2 MB of any input took longer than the limit.

mod constructs;

use std::time::Instant;

use constructs::{Input, paired_inputs, single_inputs};
use prep::gazetteer::name_file::NameFile;
use prep::gazetteer::names_folder::NamesFolders;
use prep::gazetteer::normalizer::Normalizer;
use prep::gazetteer::{AmbiguousNames, Gazetteer, GazetteerOptions};
use prep::input::redirects::redirect_of;
use prep::label::nee::{GazetteerLabeller, MatchIn, RepeatSettings};
use prep::label::sentences::SentenceRules;
use prep::label::triple_sink::TripleSink;
use prep::label::{esi, nee};
use prep::sentence::split_page;
use prep::source::{DumpPage, MAX_PAGE_BYTES, PageXml, SiteInfo};
use prep::wikitext::{ChineseVariant, ExtractOptions, Wiki, WikitextExtractor};
use schemas::shard::CheckedBatch;
use schemas::{Page, QuerySet};

/// Bytes of text of the first measurement, of a construct and of a pair of them. The second one has four times as many.
const SINGLE: usize = 48 << 10;
const PAIR: usize = 16 << 10;
/// Bytes of text that may take a second.
const WHOLE: usize = 2_000_000;
/// Shorter times are too inexact to be compared.
const SHORTEST: f64 = 0.004;

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let (mut pairs, mut langs, mut text, mut limit) = (false, Vec::new(), String::new(), 1.0);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--pairs" => pairs = true,
            "--lang" => langs.extend(arguments.next()),
            "--limit" => limit = arguments.next().and_then(|seconds| seconds.parse().ok()).expect("--limit SECONDS"),
            _ => text = argument,
        }
    }
    if langs.is_empty() {
        let all = ["en", "zh", "ja", "de", "it", "da", "kk", "el", "hy", "my"];
        langs = all[..if pairs { 2 } else { all.len() }].iter().map(|&lang| lang.to_owned()).collect();
    }
    let mut slowest = (0.0_f64, String::new());
    for lang in &langs {
        // Pairs with captions and tables alone: more of the page is read.
        for all in [true, false].into_iter().filter(|all| *all || !pairs) {
            let pipeline = Pipeline::new(lang, all, if pairs { PAIR } else { SINGLE }, limit);
            let inputs = if pairs { paired_inputs() } else { single_inputs() };
            let start = Instant::now();
            let mut count = 0;
            for input in inputs.iter().filter(|input| input.name().contains(&text)) {
                count += 1;
                let seconds = pipeline.examine(input);
                if seconds > slowest.0 {
                    slowest = (seconds, format!("{lang} {}", input.name()));
                }
            }
            println!("{lang}: {count} inputs in {:.0} s", start.elapsed().as_secs_f64());
        }
    }
    println!("slowest: {:.2} s for 2 MB of {}", slowest.0, slowest.1);
    std::process::exit(i32::from(slowest.0 > limit));
}

/// What a page goes through in `prep pages`, `prep esi` and `prep nee`.
struct Pipeline {
    lang: String,
    /// Bytes of the first measurement.
    bytes: usize,
    /// Seconds that 2 MB may take.
    limit: f64,
    site: SiteInfo,
    extractor: WikitextExtractor,
    gazetteer: Gazetteer,
    queries: QuerySet,
}

impl Pipeline {
    fn new(lang: &str, all: bool, bytes: usize, limit: f64) -> Self {
        let names = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(names.path(), "a\na a\na a a a\na a a b\nb\nA\nA a\nAda\nAda Arden\n好\n好好\n好好好好\n字\n字漢\nDr\nTom\n")
            .expect("writable");
        let options = GazetteerOptions {
            files: vec![(0, NameFile { path: names.path().to_owned(), column: None })],
            folders: NamesFolders::default(),
            encoding: encoding_rs::UTF_8,
            underscores: false,
            korean_particles: lang == "ko",
            normalizer: Normalizer { nfkc: true, ..Normalizer::default() },
            ambiguous: AmbiguousNames::First,
            stop_lists: Vec::new(),
            min_mention_chars: Some(1),
        };
        let site = SiteInfo::default();
        let extract_options = ExtractOptions { variant: ChineseVariant::default_of(lang), captions: all, tables: all };
        let extractor = WikitextExtractor::new(Wiki::new(&site, lang), extract_options);
        let (gazetteer, _) = prep::gazetteer::load::load(options).expect("the names are valid");
        let queries = QuerySet::load("en_conll03").expect("it is built in");
        Self { lang: lang.to_owned(), bytes, limit, site, extractor, gazetteer, queries }
    }

    /// Measures an input. Returns the seconds for 2 MB of it, as estimated from less where they are certainly below the limit.
    fn examine(&self, input: &Input) -> f64 {
        let estimate = |large: f64| large * WHOLE as f64 / (4 * self.bytes) as f64;
        let is_suspect = |small: f64, large: f64| large > SHORTEST && (large > 8.0 * small || estimate(large) > self.limit);
        // Another process may slow down the first measurement.
        for runs in [1, 4] {
            let (small, large) = (self.seconds(input, self.bytes, runs), self.seconds(input, 4 * self.bytes, runs));
            let (Some(small), Some(large)) = (small, large) else { return 0.0 };
            if !is_suspect(small, large) {
                return estimate(large).min(self.limit);
            }
            if runs > 1 {
                let whole = if large > 5.0 { f64::INFINITY } else { self.seconds(input, WHOLE, 1).unwrap_or_default() };
                println!("{} {}: {:.1} ms, times 4: {:.1} ms, 2 MB: {whole:.2} s", self.lang, input.name(), small * 1e3, large * 1e3);
                return whole;
            }
        }
        0.0
    }

    /// The least time of several runs.
    fn seconds(&self, input: &Input, bytes: usize, runs: usize) -> Option<f64> {
        let xml = page_xml(&input.wikitext(bytes)?);
        let time = || {
            let (start, cpu) = (Instant::now(), cpu_seconds());
            self.run(&xml);
            cpu_seconds().zip(cpu).map_or_else(|| start.elapsed().as_secs_f64(), |(end, start)| end - start)
        };
        Some((0..runs).map(|_| time()).fold(f64::INFINITY, f64::min))
    }

    fn run(&self, xml: &PageXml) {
        let source = DumpPage::parse(xml, &self.site).expect("the page is well-formed");
        std::hint::black_box(redirect_of(&source, &self.site, &self.lang));
        let extract = self.extractor.extract(&source.title, &source.text);
        let sentences = split_page(&self.lang, &extract.text, &extract.segments, &extract.anchors);
        let page = Page {
            page_id: source.id,
            title: source.title.as_str().into(),
            lang: self.lang.as_str().into(),
            text: extract.text.into(),
            anchors: extract.anchors,
            segments: extract.segments,
            sentences,
            issues: extract.issues,
            ..Page::default()
        };
        self.label(&page);
        std::hint::black_box(CheckedBatch::from_rows(vec![page]).expect("the page is valid"));
    }

    fn label(&self, page: &Page<'_>) {
        let extractor = &self.extractor;
        let rules = SentenceRules { min_entities: 1, max_chars: 400, no_holes: false, max_unknown: Some(3), buckets: None };
        let mut sink = TripleSink::default();
        esi::label_page(page, extractor, &self.queries.queries[0], true, &rules, &mut sink).expect("the page is valid");
        let repeats = Some(RepeatSettings { family_label: Some(0) });
        let labeller = GazetteerLabeller { gazetteer: &self.gazetteer, matching: MatchIn::Both, repeats };
        nee::label_page(page, extractor, &self.queries.queries, &labeller, &rules, &mut sink).expect("the page is valid");
        for triples in sink.partitions.into_values() {
            std::hint::black_box(triples.finish());
        }
    }
}

/// CPU time of this thread, which other programs influence less than time on the clock. `None` where the system does not say.
fn cpu_seconds() -> Option<f64> {
    // Linux brings the figure up to date when a thread yields.
    std::thread::yield_now();
    let times = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(times.split(' ').next()?.parse::<f64>().ok()? * 1e-9)
}

/// The XML of a page; its text is cut where the page would be too large.
fn page_xml(wikitext: &str) -> PageXml {
    let mut xml = String::from("<page><title>Ada</title><ns>0</ns><id>1</id><revision><timestamp>2024-05-17T16:33:09Z</timestamp><text>");
    for c in wikitext.chars().take_while(|c| !matches!(c, '\u{0}')) {
        match c {
            _ if xml.len() > MAX_PAGE_BYTES - 100 => break,
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '&' => xml.push_str("&amp;"),
            '"' => xml.push_str("&quot;"),
            _ => xml.push(c),
        }
    }
    xml.push_str("</text></revision></page>");
    PageXml { bytes: xml.len() as u64, pieces: vec![xml.into_bytes().into()], offset: 0 }
}

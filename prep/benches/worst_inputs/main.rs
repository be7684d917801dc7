//! Searches for wikitext whose time grows worse than linearly, on the way from the XML of a page to its triples.
//!
//!     cargo bench -p prep --bench worst_inputs -- [--pairs] [--lang LANG]... [TEXT]
//!
//! Each input of [`constructs`] is measured at 48 KiB and at four times as much; with `--pairs` also each pair of constructs. Printed are those
//! that took more than eight times as long, and those that would take more than a second for 2 MB, both measured again at 2 MB. `TEXT` keeps
//! the inputs whose name contains it. The exit code is 1 if 2 MB of any input took more than a second.

mod constructs;

use std::time::Instant;

use constructs::{Input, paired_inputs, single_inputs};
use prep::gazetteer::name_file::NameFile;
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

/// Bytes of text of the first measurement.
const SMALL: usize = 48 << 10;
/// Bytes of text of the second one.
const LARGE: usize = 4 * SMALL;
/// Bytes of text that may take a second.
const WHOLE: usize = 2_000_000;
/// Shorter times are too inexact to be compared.
const SHORTEST: f64 = 0.004;

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let (mut pairs, mut langs, mut text) = (false, Vec::new(), String::new());
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--pairs" => pairs = true,
            "--lang" => langs.extend(arguments.next()),
            _ => text = argument,
        }
    }
    if langs.is_empty() {
        langs = ["en", "zh", "ja", "de", "it", "da", "kk", "el", "hy", "my"].map(str::to_owned).to_vec();
    }
    let mut slowest = 0.0_f64;
    for lang in &langs {
        let pipeline = Pipeline::new(lang);
        let inputs: Vec<Input> = if pairs { paired_inputs().collect() } else { single_inputs().collect() };
        let start = Instant::now();
        let mut count = 0;
        for input in inputs.iter().filter(|input| input.name().contains(&text)) {
            count += 1;
            slowest = slowest.max(pipeline.examine(input));
        }
        println!("{lang}: {count} inputs in {:.0} s", start.elapsed().as_secs_f64());
    }
    println!("slowest: {slowest:.2} s for 2 MB");
    std::process::exit(i32::from(slowest > 1.0));
}

/// What a page goes through in `prep pages`, `prep esi` and `prep nee`.
struct Pipeline {
    lang: String,
    site: SiteInfo,
    extractors: [WikitextExtractor; 2],
    gazetteer: Gazetteer,
    queries: QuerySet,
}

impl Pipeline {
    fn new(lang: &str) -> Self {
        let names = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(names.path(), "a\na a\na a a a\na a a b\nb\nA\nA a\nAda\nAda Arden\n好\n好好\n好好好好\n字\n字漢\nDr\nTom\n").expect("writable");
        let options = GazetteerOptions {
            files: vec![(0, NameFile { path: names.path().to_owned(), column: None })],
            encoding: encoding_rs::UTF_8,
            normalizer: Normalizer { nfkc: true, ..Normalizer::default() },
            ambiguous: AmbiguousNames::First,
            stop_lists: Vec::new(),
            min_mention_chars: Some(1),
        };
        let site = SiteInfo::default();
        let extractor = |all| {
            let options = ExtractOptions { variant: ChineseVariant::default_of(lang), captions: all, tables: all };
            WikitextExtractor::new(Wiki::new(&site, lang), options)
        };
        let (gazetteer, _) = prep::gazetteer::load::load(options).expect("the names are valid");
        let queries = QuerySet::load("en_conll03").expect("it is built in");
        Self { lang: lang.to_owned(), extractors: [extractor(false), extractor(true)], site, gazetteer, queries }
    }

    /// Measures an input. Returns the seconds for 2 MB of it, or an estimate where it is certainly below one.
    fn examine(&self, input: &Input) -> f64 {
        let (Some(small), Some(large)) = (self.seconds(input, SMALL, 1), self.seconds(input, LARGE, 1)) else { return 0.0 };
        let estimate = large * WHOLE as f64 / LARGE as f64;
        let is_suspect = |small: f64, large: f64| large > SHORTEST && (large > 8.0 * small || estimate > 1.0);
        if !is_suspect(small, large) {
            return estimate.min(1.0);
        }
        // Another process may have slowed down the first measurement.
        let (Some(small), Some(large)) = (self.seconds(input, SMALL, 3), self.seconds(input, LARGE, 3)) else { return 0.0 };
        if !is_suspect(small, large) {
            return estimate.min(1.0);
        }
        let whole = if large > 2.0 { f64::INFINITY } else { self.seconds(input, WHOLE, 1).unwrap_or_default() };
        println!("{} {}: {:.1} ms, times 4: {:.1} ms, 2 MB: {whole:.2} s", self.lang, input.name(), small * 1e3, large * 1e3);
        whole
    }

    /// The least time of several runs.
    fn seconds(&self, input: &Input, bytes: usize, runs: usize) -> Option<f64> {
        let xml = page_xml(&input.wikitext(bytes)?);
        let time = || {
            let start = Instant::now();
            self.run(&xml);
            start.elapsed().as_secs_f64()
        };
        Some((0..runs).map(|_| time()).fold(f64::INFINITY, f64::min))
    }

    fn run(&self, xml: &PageXml) {
        let source = DumpPage::parse(xml, &self.site).expect("the page is well-formed");
        std::hint::black_box(redirect_of(&source, &self.lang));
        for extractor in &self.extractors {
            let extract = extractor.extract(&source.title, &source.text);
            let sentences = split_page(&self.lang, &extract.text, &extract.segments);
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
            self.label(&page, extractor);
            std::hint::black_box(CheckedBatch::from_rows(vec![page]).expect("the page is valid"));
        }
    }

    fn label(&self, page: &Page<'_>, extractor: &WikitextExtractor) {
        let rules = SentenceRules { min_entities: 1, max_chars: 400, max_unknown: Some(3), buckets: None };
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
    PageXml { bytes: xml.len() as u64, xml: xml.into_bytes(), offset: 0 }
}

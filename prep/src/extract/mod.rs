//! `prep pages`, `prep esi` and `prep nee`: dumps or folders of pages to rows, streamed.
//!
//! One thread reads and cuts, several parse, clean and label, this one writes, in the order of the input.

mod buckets;
mod config;
mod esi;
mod label;
mod nee;
mod progress;
mod redirects;
mod sources;

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, bail, ensure};
use schemas::{Manifest, Page, QuerySet, Row, ShardWriter, Tally, Triple};
use serde::Serialize;
use serde_json::json;

use crate::cli::{Common, DumpArgs, EsiArgs, NeeArgs, OutputArgs, PagesArgs, Part, Variant};
use crate::gazetteer::coverage::{Coverage, Report};
use crate::gazetteer::{Gazetteer, Loaded};
use crate::pipeline;
use crate::source::{DumpPage, Malformed, PageChunk, Progress};
use crate::wikitext::{Extractor, Options, Wiki, normalise_title, redirect_target};
pub use buckets::Buckets;
use config::NeeConfig;
use label::{Counters, Rules};
use progress::Reporter;
use redirects::Redirects;
use sources::{Dump, Sources, Work, read_all};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Settings that shape the rows, as the manifest keeps them.
#[derive(Debug, Clone, Serialize)]
struct Config {
    namespaces: Vec<i32>,
    variant: Option<Variant>,
    with: Vec<Part>,
    /// Hash of the user's templates.
    #[serde(skip_serializing_if = "Option::is_none")]
    templates: Option<String>,
    strict: bool,
    skip_damaged: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    queries: Option<Vec<QuerySet>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_entities: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_chars: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repeat_mentions: Option<bool>,
    resolve_redirects: bool,
    #[serde(flatten)]
    nee: Option<NeeConfig>,
    /// Names of the namespaces by language: who reads the pages tells articles from other links by them.
    sites: BTreeMap<String, BTreeMap<i32, String>>,
}

/// Runs `prep pages`.
///
/// # Errors
/// Inputs that are no dumps, damaged ones (after everything sound before the damage is written), or an output that cannot be written.
pub fn pages(args: &PagesArgs, common: &Common) -> anyhow::Result<()> {
    let progress = Progress::default();
    let sources = Sources::open(&args.inputs, &args.dump, common.threads(), &progress)?;
    ensure!(sources.folders().next().is_none(), "prep pages reads dumps, not folders; {} is one", sources.first_folder());
    let config = sources.config(&args.dump, None);
    let job = Job::new("pages", &args.inputs, &args.output, &args.dump, common);
    job.run(sources, config, &progress, |page, _, _| vec![(0, page)], || None)
}

/// Runs `prep esi`.
///
/// # Errors
/// As [`pages`], and a query set that has not one label, or a folder of pages that is not complete.
pub fn esi(args: &EsiArgs, common: &Common) -> anyhow::Result<()> {
    let progress = Progress::default();
    let sources = Sources::open(&args.inputs, &args.dump, common.threads(), &progress)?;
    let given = args.queries.as_deref().map(QuerySet::named).transpose()?;
    let mut queries: BTreeMap<String, QuerySet> = BTreeMap::new();
    for lang in sources.sites.keys() {
        let set = match &given {
            Some(set) => set.clone(),
            None => QuerySet::named(if lang == "zh" { "zhwiki" } else { "enwiki" })?,
        };
        ensure!(
            set.queries.len() == 1,
            "query set `{}` has {} labels, expected one: in stage 1 every link is an answer of the same label",
            set.name,
            set.queries.len()
        );
        queries.insert(lang.clone(), set);
    }
    let mut config = sources.config(&args.dump, Some(queries.values().cloned().collect()));
    config.min_entities = Some(args.min_entities);
    config.max_chars = Some(args.max_chars);
    config.repeat_mentions = Some(args.repeat_mentions);
    let rules = Rules { min_entities: args.min_entities, max_chars: args.max_chars, buckets: None };
    let job = Job::new("esi", &args.inputs, &args.output, &args.dump, common);
    let triples = |page: Page, extractor: &Extractor, counters: &mut Counters| {
        esi::triples(&page, extractor, &queries[&page.lang].queries[0], args.repeat_mentions, &rules, counters)
    };
    job.run::<Triple>(sources, config, &progress, triples, || None)
}

/// Runs `prep nee`.
///
/// # Errors
/// As [`esi`], but for the number of labels; a label that the query set does not have, or a gazetteer that cannot be read.
pub fn nee(args: &NeeArgs, common: &Common) -> anyhow::Result<()> {
    let progress = Progress::default();
    let sources = Sources::open(&args.inputs, &args.dump, common.threads(), &progress)?;
    let set = QuerySet::named(&args.queries)?;
    let (nee, spec) = NeeConfig::new(args, &set, sources.are_simplified(&args.dump))?;
    let (gazetteer, loaded) = Gazetteer::load(spec)?;
    let paths = nee.paths();
    let mut config = sources.config(&args.dump, Some(vec![set.clone()]));
    config.min_entities = Some(args.min_entities);
    config.max_chars = Some(args.max_chars);
    config.nee = Some(nee);
    let rules = Rules { min_entities: args.min_entities, max_chars: args.max_chars, buckets: args.buckets.clone() };
    let coverage = Coverage::new(&gazetteer);
    let labeller = nee::Labeller { gazetteer: &gazetteer, matching: args.matching, coverage: &coverage };
    let mut job = Job::new("nee", &args.inputs, &args.output, &args.dump, common);
    job.loaded = loaded;
    job.partitions = args.buckets.as_ref().map(|buckets| buckets.folders().collect());
    let triples = |page: Page, extractor: &Extractor, counters: &mut Counters| {
        nee::triples(&page, extractor.wiki(), &set.queries, &labeller, &rules, counters)
    };
    let labels: Vec<&str> = set.labels().collect();
    job.run::<Triple>(sources, config, &progress, triples, || Some(coverage.report(&gazetteer, &labels, &paths)))
}

/// Which script of Chinese the text of a wiki is in.
fn variant(lang: &str, args: &DumpArgs) -> Variant {
    args.variant.unwrap_or(if lang == "zh" { Variant::ZhHans } else { Variant::None })
}

/// What came of it.
struct Done<R> {
    /// Rows, each with its partition.
    rows: Vec<(usize, R)>,
    counters: Counters,
    warnings: Vec<String>,
    /// JSON lines for `--report`.
    report: Vec<String>,
    /// What ends the run; everything before it is in `rows`.
    fatal: Option<String>,
}

struct Job<'a> {
    command: &'a str,
    inputs: &'a [PathBuf],
    output: &'a OutputArgs,
    dump: &'a DumpArgs,
    common: &'a Common,
    /// What was read before the pages.
    loaded: Loaded,
    /// Folders for the rows, if not all go into one.
    partitions: Option<Vec<String>>,
}

impl<'a> Job<'a> {
    fn new(command: &'a str, inputs: &'a [PathBuf], output: &'a OutputArgs, dump: &'a DumpArgs, common: &'a Common) -> Self {
        Self { command, inputs, output, dump, common, loaded: Loaded::default(), partitions: None }
    }

    /// Makes rows of the pages, each with its partition. `report` is asked when all are made.
    fn run<R: Row + Send>(
        self,
        sources: Sources,
        config: Config,
        progress: &Progress,
        rows_of: impl Fn(Page, &Extractor, &mut Counters) -> Vec<(usize, R)> + Sync,
        report: impl FnOnce() -> Option<Report>,
    ) -> anyhow::Result<()> {
        let redirects = self.dump.resolve_redirects.then(|| Redirects::read(self.inputs, self.dump, self.common)).transpose()?;
        let config = serde_json::to_value(config).context("settings")?;
        let manifest = Manifest::new(concat!("prep ", env!("CARGO_PKG_VERSION")), self.command, config);
        let mut writer = ShardWriter::<R>::create(&self.output.output, self.output.overwrite, manifest)?;
        if let Some(partitions) = self.partitions {
            writer = writer.with_partitions(partitions);
        }
        // A second Ctrl-C does what it does without us.
        let _ = ctrlc::set_handler(|| {
            if INTERRUPTED.swap(true, Ordering::Relaxed) {
                std::process::exit(130);
            }
        });
        let threads = self.common.threads();
        let extractors: HashMap<String, Extractor> = sources
            .sites
            .iter()
            .map(|(lang, site)| {
                let options = Options {
                    variant: variant(lang, self.dump),
                    captions: self.dump.with.contains(&Part::Captions),
                    tables: self.dump.with.contains(&Part::Tables),
                };
                let wiki = Wiki::new(site, lang);
                let wiki = match &sources.templates {
                    Some((templates, _)) => wiki.with_templates(templates.clone()),
                    None => wiki,
                };
                (lang.clone(), Extractor::new(wiki, options))
            })
            .collect();
        let dumps = sources.dumps();
        let mut page_report = match &self.dump.report {
            Some(path) => {
                let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
                Some((path, BufWriter::new(file)))
            }
            None => None,
        };
        let mut reporter = Reporter::new(self.common.quiet, sources.bytes, progress.clone());
        let mut counters: BTreeMap<String, Tally> = BTreeMap::new();
        if let Some(redirects) = &redirects {
            counters.insert("redirects".to_owned(), redirects.tally.clone());
        }
        if self.loaded.names.seen > 0 {
            counters.insert("names".to_owned(), self.loaded.names);
        }
        let strict = self.dump.strict;
        let skip_damaged = self.dump.skip_damaged;
        let (ended, result) = pipeline::ordered(
            threads,
            move |feed| read_all(sources.sources, feed, skip_damaged),
            |work| {
                let mut done = Done { rows: Vec::new(), counters: BTreeMap::new(), warnings: Vec::new(), report: Vec::new(), fatal: None };
                let mut take = |mut page: Page, counters: &mut Counters| {
                    if let Some(redirects) = &redirects {
                        redirects.resolve(&mut page, counters);
                    }
                    let extractor = &extractors[&page.lang];
                    done.rows.extend(rows_of(page, extractor, counters));
                };
                match work {
                    Work::Rows(pages) => {
                        for page in pages {
                            done.counters.entry("pages").or_default().keep();
                            take(page, &mut done.counters);
                        }
                    }
                    Work::Chunks { dump, chunks } => {
                        let dump = &dumps[dump];
                        let extractor = &extractors[&dump.lang];
                        for chunk in chunks {
                            let pages = done.counters.entry("pages").or_default();
                            match read_page(&chunk, dump, extractor, &self.dump.namespace) {
                                Ok(page) => {
                                    pages.keep();
                                    count_text(&page, done.counters.entry("texts").or_default());
                                    if !page.issues.is_empty() {
                                        let line =
                                            json!({"dump": dump.path, "page_id": page.page_id, "title": page.title, "issues": page.issues});
                                        done.report.push(line.to_string());
                                    }
                                    take(page, &mut done.counters);
                                }
                                Err(Left::Out(reason)) => pages.skip(&reason),
                                Err(Left::Malformed(error)) => {
                                    pages.skip(&error.reason());
                                    let what = format!("{}: {}: {error}", dump.path, place(&chunk));
                                    done.report
                                        .push(json!({"dump": dump.path, "byte": chunk.offset, "left_out": error.to_string()}).to_string());
                                    if strict || error == Malformed::History {
                                        done.fatal = Some(what);
                                        break;
                                    }
                                    done.warnings.push(what);
                                }
                            }
                        }
                    }
                }
                done
            },
            |done| -> anyhow::Result<()> {
                for (name, tally) in &done.counters {
                    counters.entry((*name).to_owned()).or_default().add(tally);
                }
                for (partition, row) in done.rows {
                    writer.write_in(partition, row)?;
                }
                if let Some((path, file)) = &mut page_report {
                    done.report.iter().try_for_each(|line| writeln!(file, "{line}")).with_context(|| path.display().to_string())?;
                }
                reporter.batch(&counters, &done.warnings);
                match done.fatal {
                    Some(fatal) => bail!(fatal),
                    None if INTERRUPTED.load(Ordering::Relaxed) => bail!("interrupted"),
                    None => Ok(()),
                }
            },
        );
        if let Some((path, file)) = &mut page_report {
            file.flush().with_context(|| path.display().to_string())?;
        }
        let mut inputs = Tally::default();
        self.loaded.inputs.iter().for_each(|_| inputs.keep());
        for at in 0..ended.inputs.len() {
            if at + ended.damaged < ended.inputs.len() { inputs.keep() } else { inputs.skip("damaged") }
        }
        counters.insert("inputs".to_owned(), inputs);
        let damage = ended.damage.iter().map(|error| format!("{error:#}")).collect::<Vec<_>>();
        let error = result.err().map(|error| format!("{error:#}")).or_else(|| damage.first().filter(|_| !skip_damaged).cloned());
        if skip_damaged {
            reporter.batch(&counters, &damage);
        }
        let report = report();
        if let Some(report) = &report {
            writer.report(serde_json::to_value(report).context("report")?);
        }
        let inputs = self.loaded.inputs.into_iter().chain(ended.inputs).collect();
        let manifest = writer.finish(inputs, counters, error.clone())?;
        reporter.finish(&manifest, &self.output.output);
        if let Some(report) = report.filter(|_| !self.common.quiet) {
            eprint!("{report}");
        }
        match error {
            Some(error) => bail!("{error}; {} holds what was read before and is marked not complete", self.output.output.display()),
            None => Ok(()),
        }
    }
}

/// Counts what a page without text is.
fn count_text(page: &Page, tally: &mut Tally) {
    if page.redirect.is_some() {
        tally.skip("redirect");
    } else if page.text.is_empty() {
        tally.skip("empty");
    } else {
        tally.keep();
    }
}

/// Which page, for a message about it.
fn place(chunk: &PageChunk) -> String {
    let xml = String::from_utf8_lossy(&chunk.xml[..chunk.xml.len().min(2000)]);
    let title = xml.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>")).map(|(title, _)| format!(" ({title})"));
    format!("page at byte {} of the XML{}", chunk.offset, title.unwrap_or_default())
}

/// Where a page redirects to, as the dump says or else its text.
fn redirect_of(page: &DumpPage, lang: &str) -> Option<String> {
    let marked = page.redirect.as_deref().filter(|target| !target.is_empty());
    let said = marked.or_else(|| redirect_target(lang, &page.text)).map(normalise_title);
    said.or_else(|| page.redirect.clone())
}

/// Why a page is no row.
enum Left {
    Out(String),
    Malformed(Malformed),
}

fn read_page(chunk: &PageChunk, dump: &Dump, extractor: &Extractor, namespaces: &[i32]) -> Result<Page, Left> {
    let page = DumpPage::parse(&chunk.xml, &dump.site).map_err(Left::Malformed)?;
    if !namespaces.contains(&page.namespace) {
        return Err(Left::Out("other namespace".to_owned()));
    }
    if page.model != "wikitext" {
        return Err(Left::Out(format!("other model: {}", page.model)));
    }
    let redirect = redirect_of(&page, &dump.lang);
    let extract = match redirect {
        Some(_) => crate::wikitext::Extract::default(),
        None => extractor.extract(&page.title, &page.text),
    };
    Ok(Page {
        page_id: page.id,
        title: page.title,
        namespace: page.namespace,
        revision_id: page.revision_id,
        timestamp: page.timestamp,
        lang: dump.lang.clone(),
        redirect,
        disambiguation: extract.disambiguation,
        text: extract.text,
        anchors: extract.anchors,
        segments: extract.segments,
        issues: extract.issues,
    })
}

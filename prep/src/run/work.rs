//! What the workers do: pages of a dump, or rows of a folder of pages, to rows.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use schemas::RowError;
use schemas::manifest::{Damage, InputFile};
use schemas::shard::CheckedBatch;
use schemas::{Counter, FolderError, Page, Row, Triple, TripleBuilder};
use serde_json::json;

use crate::cli::DumpArgs;
use crate::input::read::{Batch, Position, Work};
use crate::input::redirects::Redirects;
use crate::input::sources::{Dump, Sources, variant};
use crate::label::sentences::{Counters, Thing};
use crate::sentence;
use crate::source::{DumpPage, MalformedPage, PageXml};
use crate::wikitext::{ExtraSegment, ExtractOptions, ExtractedPage, Wiki, WikitextExtractor, normalise_title, redirect_target};

/// Rows as they are written, each batch with its partition, or what is wrong with one.
pub(crate) type Batches<R> = Result<Vec<(usize, CheckedBatch<R>)>, RowError>;

/// What came of a batch.
pub(crate) struct Done<R> {
    pub rows: Batches<R>,
    pub counters: Counters,
    pub warnings: Vec<String>,
    /// JSON lines for `--report`.
    pub report: Vec<String>,
    /// What ends the run; everything before it is in `rows`.
    pub fault: Option<String>,
    /// Bytes of text that were read.
    pub bytes: u64,
    /// What was lost on the way.
    pub damage: Vec<Damage>,
    /// What was read of an input that ended.
    pub ended: Vec<InputFile>,
    /// What comes next.
    pub next: Position,
}

impl<R> Done<R> {
    fn new(batch: Batch) -> (Work, Self) {
        let Batch { work, bytes, damage, fault, ended, next, .. } = batch;
        let (rows, warnings, report) = (Ok(Vec::new()), Vec::new(), Vec::new());
        (work, Self { rows, counters: Counters::default(), warnings, report, fault, bytes, damage, ended, next })
    }
}

/// What all workers share.
pub(crate) struct Worker<'a> {
    dumps: Vec<Dump>,
    extractors: HashMap<String, WikitextExtractor>,
    redirects: Option<Redirects>,
    namespaces: &'a [i32],
    strict: bool,
}

impl<'a> Worker<'a> {
    pub(crate) fn new(sources: &Sources, args: &'a DumpArgs, redirects: Option<Redirects>) -> Self {
        let extractors = sources.sites.iter().map(|(lang, site)| {
            let options = ExtractOptions {
                variant: variant(lang, args),
                captions: args.with.contains(&ExtraSegment::Captions),
                tables: args.with.contains(&ExtraSegment::Tables),
            };
            let wiki = Wiki::new(site, lang);
            let wiki = match &sources.templates {
                Some((templates, _)) => wiki.with_templates(templates.clone()),
                None => wiki,
            };
            (lang.clone(), WikitextExtractor::new(wiki, options))
        });
        Self { dumps: sources.dumps(), extractors: extractors.collect(), redirects, namespaces: &args.namespace, strict: args.strict }
    }

    /// Makes rows of a batch. `rows_of` makes those of a page.
    pub(crate) fn work<S: Sink>(&self, batch: Batch, rows_of: &impl RowsOf<S>) -> Done<S::Row> {
        let (work, mut done) = Done::new(batch);
        // Rows go back to the allocator on the thread that made them: from another one it takes a lock for each of their strings.
        let mut rows = S::default();
        let mut take = |mut page: Page<'_>, counters: &mut Counters| {
            if let Some(redirects) = &self.redirects {
                redirects.resolve(&mut page, counters);
            }
            let Some(extractor) = self.extractors.get(&*page.lang) else {
                let (column, found) = ("lang".to_owned(), format!("`{}` in {}", page.lang, page.title));
                return Err(RowError::Column { column, found, expected: "a language of the manifest's config.sites".to_owned() });
            };
            rows_of(page, extractor, counters, &mut rows)
        };
        let mut result = Ok(());
        match work {
            Work::Nothing => {}
            Work::Rows { shard, rows: batch } => {
                let read = Page::views(&batch).and_then(|pages| {
                    pages.into_iter().try_for_each(|page| {
                        done.counters.of(Thing::Pages).keep();
                        take(page, &mut done.counters)
                    })
                });
                if let Err(error) = read {
                    // Nothing of the batch is kept, so that pages and rows agree.
                    (rows, done.counters) = (S::default(), Counters::default());
                    done.fault = Some(format!("{:#}", anyhow::Error::new(FolderError::Row(shard, error))));
                }
            }
            Work::Chunks { dump, chunks } => {
                for chunk in chunks {
                    if let Some(page) = self.page(&chunk, &self.dumps[dump], &mut done) {
                        result = take(page, &mut done.counters);
                    }
                    if done.fault.is_some() || result.is_err() {
                        break;
                    }
                }
            }
        }
        done.rows = result.and_then(|()| rows.finish());
        done
    }

    /// Reads a page, unless it is left out.
    fn page<R>(&self, chunk: &PageXml, dump: &Dump, done: &mut Done<R>) -> Option<Page<'static>> {
        match read_page(chunk, dump, &self.extractors[&dump.lang], self.namespaces) {
            Ok(page) => {
                done.counters.of(Thing::Pages).keep();
                count_text(&page, done.counters.of(Thing::Texts));
                if !page.issues.is_empty() {
                    let line = json!({"dump": dump.path, "page_id": page.page_id, "title": page.title, "issues": page.issues});
                    done.report.push(line.to_string());
                }
                return Some(page);
            }
            Err(Left::Out(reason)) => done.counters.of(Thing::Pages).skip(&reason),
            Err(Left::Malformed(error)) => {
                done.counters.of(Thing::Pages).skip(&error.reason());
                let what = format!("{}: {}: {error}", dump.path, dump.place(chunk));
                done.report.push(json!({"dump": dump.path, "byte": chunk.offset, "left_out": error.to_string()}).to_string());
                if self.strict || error == MalformedPage::History {
                    done.fault = Some(what);
                } else {
                    done.warnings.push(what);
                }
            }
        }
        None
    }
}

/// What makes the rows of a page.
pub(crate) trait RowsOf<S>: Fn(Page<'_>, &WikitextExtractor, &mut Counters, &mut S) -> Result<(), RowError> + Sync {}

impl<S, F: Fn(Page<'_>, &WikitextExtractor, &mut Counters, &mut S) -> Result<(), RowError> + Sync> RowsOf<S> for F {}

/// Where the rows of a batch are gathered.
pub(crate) trait Sink: Default {
    type Row: Row + Send;

    fn finish(self) -> Batches<Self::Row>;
}

impl Sink for Vec<Page<'static>> {
    type Row = Page<'static>;

    fn finish(self) -> Batches<Self::Row> {
        Ok(CheckedBatch::from_rows(self)?.into_iter().map(|rows| (0, rows)).collect())
    }
}

/// Triples by partition.
pub(crate) type Triples = BTreeMap<usize, TripleBuilder>;

impl Sink for Triples {
    type Row = Triple;

    fn finish(self) -> Batches<Self::Row> {
        let batches = self.into_iter().flat_map(|(partition, triples)| triples.finish().into_iter().map(move |rows| (partition, rows)));
        Ok(batches.collect())
    }
}

/// Counts what a page without text is.
fn count_text(page: &Page<'_>, tally: &mut Counter) {
    if page.redirect.is_some() {
        tally.skip("redirect");
    } else if page.text.is_empty() {
        tally.skip("empty");
    } else {
        tally.keep();
    }
}

/// Where a page redirects to, as the dump says or else its text.
pub(crate) fn redirect_of(page: &DumpPage, lang: &str) -> Option<String> {
    let marked = page.redirect.as_deref().filter(|target| !target.is_empty());
    let said = marked.map(Cow::Borrowed).or_else(|| redirect_target(lang, &page.text)).map(|title| normalise_title(&title));
    said.or_else(|| page.redirect.clone())
}

/// Why a page is no row.
enum Left {
    Out(String),
    Malformed(MalformedPage),
}

fn read_page(chunk: &PageXml, dump: &Dump, extractor: &WikitextExtractor, namespaces: &[i32]) -> Result<Page<'static>, Left> {
    let page = DumpPage::parse(chunk, &dump.site).map_err(Left::Malformed)?;
    if !namespaces.contains(&page.namespace) {
        return Err(Left::Out("other namespace".to_owned()));
    }
    if page.model != "wikitext" {
        return Err(Left::Out(format!("other model: {}", page.model)));
    }
    let redirect = redirect_of(&page, &dump.lang);
    let extract = match redirect {
        Some(_) => ExtractedPage::default(),
        None => extractor.extract(&page.title, &page.text),
    };
    let sentences = sentence::split_page(&dump.lang, &extract.text, &extract.segments);
    Ok(Page {
        page_id: page.id,
        title: page.title.into(),
        namespace: page.namespace,
        revision_id: page.revision_id,
        timestamp: page.timestamp,
        lang: dump.lang.clone().into(),
        redirect: redirect.map(Cow::Owned),
        disambiguation: extract.disambiguation,
        text: extract.text.into(),
        anchors: extract.anchors,
        segments: extract.segments,
        sentences,
        issues: extract.issues,
    })
}

//! What the workers do: pages of a dump, or rows of a folder of pages, to rows.

use std::collections::{BTreeMap, HashMap};

use schemas::manifest::{Damage, Input};
use schemas::row::RowError;
use schemas::shard::Checked;
use schemas::{Page, Row, Tally};
use serde_json::json;

use super::label::Counters;
use super::read::{Batch, Position, Work};
use super::redirects::Redirects;
use super::sources::{Dump, Sources};
use super::variant;
use crate::cli::{DumpArgs, Part};
use crate::source::{DumpPage, Malformed, PageChunk};
use crate::wikitext::{Extract, Extractor, Options, Wiki, normalise_title, redirect_target};

/// What came of a batch.
pub(super) struct Done<R> {
    /// Rows, with their partition, or what is wrong with one.
    pub rows: Result<Vec<(usize, Checked<R>)>, RowError>,
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
    pub ended: Vec<Input>,
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
pub(super) struct Worker<'a> {
    dumps: Vec<Dump>,
    extractors: HashMap<String, Extractor>,
    redirects: Option<Redirects>,
    namespaces: &'a [i32],
    strict: bool,
}

impl<'a> Worker<'a> {
    pub(super) fn new(sources: &Sources, args: &'a DumpArgs, redirects: Option<Redirects>) -> Self {
        let extractors = sources.sites.iter().map(|(lang, site)| {
            let options = Options {
                variant: variant(lang, args),
                captions: args.with.contains(&Part::Captions),
                tables: args.with.contains(&Part::Tables),
            };
            let wiki = Wiki::new(site, lang);
            let wiki = match &sources.templates {
                Some((templates, _)) => wiki.with_templates(templates.clone()),
                None => wiki,
            };
            (lang.clone(), Extractor::new(wiki, options))
        });
        Self { dumps: sources.dumps(), extractors: extractors.collect(), redirects, namespaces: &args.namespace, strict: args.strict }
    }

    /// Makes rows of a batch. `rows_of` makes those of a page.
    pub(super) fn work<R: Row>(&self, batch: Batch, rows_of: &impl Fn(Page, &Extractor, &mut Counters) -> Vec<(usize, R)>) -> Done<R> {
        let (work, mut done) = Done::new(batch);
        // Rows go back to the allocator on the thread that made them: from another one it takes a lock for each of their strings.
        let mut rows: BTreeMap<usize, Vec<R>> = BTreeMap::new();
        let mut take = |page, counters: &mut Counters| {
            for (partition, row) in self.rows(page, counters, rows_of) {
                rows.entry(partition).or_default().push(row);
            }
        };
        match work {
            Work::Rows(pages) => {
                for page in pages {
                    done.counters.of("pages").keep();
                    take(page, &mut done.counters);
                }
            }
            Work::Chunks { dump, chunks } => {
                for chunk in chunks {
                    if let Some(page) = self.page(&chunk, &self.dumps[dump], &mut done) {
                        take(page, &mut done.counters);
                    }
                    if done.fault.is_some() {
                        break;
                    }
                }
            }
        }
        done.rows = checked(rows);
        done
    }

    fn rows<R>(
        &self,
        mut page: Page,
        counters: &mut Counters,
        rows_of: &impl Fn(Page, &Extractor, &mut Counters) -> Vec<(usize, R)>,
    ) -> Vec<(usize, R)> {
        if let Some(redirects) = &self.redirects {
            redirects.resolve(&mut page, counters);
        }
        let extractor = &self.extractors[&page.lang];
        rows_of(page, extractor, counters)
    }

    /// Reads a page, unless it is left out.
    fn page<R>(&self, chunk: &PageChunk, dump: &Dump, done: &mut Done<R>) -> Option<Page> {
        match read_page(chunk, dump, &self.extractors[&dump.lang], self.namespaces) {
            Ok(page) => {
                done.counters.of("pages").keep();
                count_text(&page, done.counters.of("texts"));
                if !page.issues.is_empty() {
                    let line = json!({"dump": dump.path, "page_id": page.page_id, "title": page.title, "issues": page.issues});
                    done.report.push(line.to_string());
                }
                return Some(page);
            }
            Err(Left::Out(reason)) => done.counters.of("pages").skip(&reason),
            Err(Left::Malformed(error)) => {
                done.counters.of("pages").skip(&error.reason());
                let what = format!("{}: {}: {error}", dump.path, dump.place(chunk));
                done.report.push(json!({"dump": dump.path, "byte": chunk.offset, "left_out": error.to_string()}).to_string());
                if self.strict || error == Malformed::History {
                    done.fault = Some(what);
                } else {
                    done.warnings.push(what);
                }
            }
        }
        None
    }
}

/// Rows as they are written, by partition.
fn checked<R: Row>(rows: BTreeMap<usize, Vec<R>>) -> Result<Vec<(usize, Checked<R>)>, RowError> {
    let mut all = Vec::new();
    for (partition, rows) in rows {
        all.extend(Checked::all(rows)?.into_iter().map(|rows| (partition, rows)));
    }
    Ok(all)
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

/// Where a page redirects to, as the dump says or else its text.
pub(super) fn redirect_of(page: &DumpPage, lang: &str) -> Option<String> {
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
    let page = DumpPage::parse(chunk, &dump.site).map_err(Left::Malformed)?;
    if !namespaces.contains(&page.namespace) {
        return Err(Left::Out("other namespace".to_owned()));
    }
    if page.model != "wikitext" {
        return Err(Left::Out(format!("other model: {}", page.model)));
    }
    let redirect = redirect_of(&page, &dump.lang);
    let extract = match redirect {
        Some(_) => Extract::default(),
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

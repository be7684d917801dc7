//! What workers do: batches of pages are parsed, cleaned and made into rows.

use std::borrow::Cow;
use std::fmt;

use schemas::manifest::{Damage, InputFile};
use schemas::shard::CheckedBatch;
use schemas::{Counter, FolderError, Page, Row, RowError, RowSlice, ShardFolder, Triple};
use serde_json::json;
use tracing::debug;

use super::extractors::Extractors;
use super::page_settings::PageSettings;
use crate::counters::{CounterKey, Counters};
use crate::input::dump::DumpInfo;
use crate::input::folder_batches::rows_lost;
use crate::input::inputs::Inputs;
use crate::input::page_batch::{BatchContent, PageBatch};
use crate::input::position::PendingPosition;
use crate::input::redirects::{Redirects, redirect_of};
use crate::label::triple_sink::TripleSink;
use crate::sentence;
use crate::source::{DumpPage, MalformedPage, PageXml};
use crate::wikitext::{ExtractedPage, VanishedTemplates, WikitextExtractor};

/// Checked rows with the number of their partition; or the first row that breaks an invariant.
pub type RowBatches<R> = Result<Vec<(usize, CheckedBatch<R>)>, RowError>;

/// The result of a batch.
pub struct BatchResult<R> {
    /// The rows.
    pub rows: RowBatches<R>,
    /// What was counted.
    pub counters: Counters,
    /// Numbers of the gazetteer names that were matched.
    pub matches: Vec<u32>,
    /// Faults that do not end the run.
    pub warnings: Vec<String>,
    /// JSON lines for the page report.
    pub report: Vec<String>,
    /// The error that ends the run; the rows are what was made before it.
    pub fatal: Option<String>,
    /// Bytes of text that were read.
    pub bytes: u64,
    /// Damage that was skipped.
    pub damage: Vec<Damage>,
    /// Inputs that were read to their end.
    pub finished_inputs: Vec<InputFile>,
    /// Templates in the running text that left nothing.
    pub vanished: VanishedTemplates,
    /// Position after the batch.
    pub next: PendingPosition,
}

impl<R> BatchResult<R> {
    /// The pages of a batch, and a result without rows.
    fn new(batch: PageBatch) -> (BatchContent, Self) {
        let result = Self {
            rows: Ok(Vec::new()),
            counters: Counters::default(),
            matches: Vec::new(),
            warnings: Vec::new(),
            report: Vec::new(),
            fatal: batch.fatal,
            bytes: batch.bytes,
            damage: batch.damage,
            finished_inputs: batch.finished_inputs,
            vanished: VanishedTemplates::default(),
            next: batch.next,
        };
        (batch.content, result)
    }
}

/// The rows that are made of the pages of one batch.
///
/// They are gathered and encoded on the worker: freed on another thread, each of their strings would take a lock of the allocator.
pub trait RowSink: Default {
    /// Type of the rows.
    type Row: Row + Send;

    /// Takes what was counted while the rows were made.
    fn take_counts(&mut self) -> (Counters, Vec<u32>);

    /// Checks and encodes the rows.
    ///
    /// # Errors
    /// A row that breaks an invariant.
    fn finish(self) -> RowBatches<Self::Row>;
}

impl RowSink for Vec<Page<'static>> {
    type Row = Page<'static>;

    fn take_counts(&mut self) -> (Counters, Vec<u32>) {
        Default::default()
    }

    fn finish(self) -> RowBatches<Self::Row> {
        Ok(CheckedBatch::from_rows(self)?.into_iter().map(|rows| (0, rows)).collect())
    }
}

impl RowSink for TripleSink {
    type Row = Triple;

    fn take_counts(&mut self) -> (Counters, Vec<u32>) {
        (std::mem::take(&mut self.counters), std::mem::take(&mut self.matches))
    }

    fn finish(self) -> RowBatches<Self::Row> {
        let partitions = self.partitions.into_iter();
        Ok(partitions.flat_map(|(partition, triples)| triples.finish().into_iter().map(move |rows| (partition, rows))).collect())
    }
}

/// Makes the rows of one page. Implemented by closures.
pub trait PageToRows<S>: Fn(Page<'_>, &WikitextExtractor, &mut S) -> Result<(), RowError> + Sync {}

impl<S, F: Fn(Page<'_>, &WikitextExtractor, &mut S) -> Result<(), RowError> + Sync> PageToRows<S> for F {}

/// What all workers share.
pub struct BatchWorker<'a> {
    dumps: Vec<DumpInfo>,
    extractors: &'a Extractors,
    redirects: Option<Redirects>,
    settings: &'a PageSettings,
}

impl<'a> BatchWorker<'a> {
    /// A worker for the pages of these inputs. With `redirects` the targets of anchors are resolved.
    pub fn new(inputs: &Inputs, extractors: &'a Extractors, settings: &'a PageSettings, redirects: Option<Redirects>) -> Self {
        Self { dumps: inputs.infos(), extractors, redirects, settings }
    }

    /// The redirects that are resolved.
    pub(super) fn redirects(&self) -> Option<&Redirects> {
        self.redirects.as_ref()
    }

    /// Makes the rows of a batch.
    pub fn process<S: RowSink>(&self, batch: PageBatch, page_to_rows: &impl PageToRows<S>) -> BatchResult<S::Row> {
        let (content, mut result) = BatchResult::new(batch);
        let mut sink = S::default();
        let outcome = match content {
            BatchContent::Empty => Ok(()),
            BatchContent::Rows { folder, slice, skip_damaged } => {
                if let Err(error) = self.process_slice(&folder, &slice, page_to_rows, &mut sink, &mut result) {
                    // The whole slice is dropped, so that the counters agree with the rows.
                    (sink, result.counters, result.bytes) = (S::default(), Counters::default(), 0);
                    let is_unreadable = !matches!(error, FolderError::Row(..));
                    let what = format!("{:#}", anyhow::Error::new(error));
                    if skip_damaged && is_unreadable {
                        let path = folder.shard_of(&slice).display().to_string();
                        result.damage.push(Damage { path, what, lost: rows_lost(slice.range()) });
                    } else {
                        result.fatal = Some(what);
                    }
                }
                Ok(())
            }
            BatchContent::Pages { dump, pages } => self.process_dump(&self.dumps[dump], &pages, page_to_rows, &mut sink, &mut result),
        };
        let (counters, matches) = sink.take_counts();
        result.counters.add(&counters);
        result.matches = matches;
        result.rows = outcome.and_then(|()| sink.finish());
        result
    }

    /// Reads rows of a folder of pages and makes rows of them.
    fn process_slice<S: RowSink>(
        &self,
        folder: &ShardFolder,
        slice: &RowSlice,
        page_to_rows: &impl PageToRows<S>,
        sink: &mut S,
        result: &mut BatchResult<S::Row>,
    ) -> Result<(), FolderError> {
        let row_error = |error| FolderError::Row(folder.shard_of(slice), error);
        for rows in folder.read_slice(slice, None)? {
            for page in Page::views(&rows).map_err(row_error)? {
                result.counters.of(CounterKey::Pages).keep();
                result.bytes += page.text.len() as u64;
                self.make_rows(page, page_to_rows, sink, &mut result.counters).map_err(row_error)?;
            }
        }
        Ok(())
    }

    fn process_dump<S: RowSink>(
        &self,
        dump: &DumpInfo,
        pages: &[PageXml],
        page_to_rows: &impl PageToRows<S>,
        sink: &mut S,
        result: &mut BatchResult<S::Row>,
    ) -> Result<(), RowError> {
        for xml in pages {
            match self.read_page(xml, dump) {
                Ok((page, vanished)) => {
                    result.vanished.merge(vanished);
                    result.counters.of(CounterKey::Pages).keep();
                    count_text(&page, result.counters.of(CounterKey::Texts));
                    if !page.issues.is_empty() {
                        let line = json!({"dump": dump.path, "page_id": page.page_id, "title": page.title, "issues": page.issues});
                        result.report.push(line.to_string());
                    }
                    self.make_rows(page, page_to_rows, sink, &mut result.counters)?;
                }
                Err(reason) => {
                    result.counters.of(CounterKey::Pages).skip(&reason.to_string());
                    if let PageSkipReason::Malformed(error) = reason {
                        self.report_malformed(xml, dump, &error, result);
                    }
                }
            }
            if result.fatal.is_some() {
                break;
            }
        }
        Ok(())
    }

    fn report_malformed<R>(&self, xml: &PageXml, dump: &DumpInfo, error: &MalformedPage, result: &mut BatchResult<R>) {
        let message = format!("{}: {}: {error}", dump.path, dump.locate(xml));
        debug!(target: "damage", input = dump.path, offset = xml.offset, %error, "page skipped");
        result.report.push(json!({"dump": dump.path, "byte": xml.offset, "left_out": error.to_string()}).to_string());
        if self.settings.strict || error.is_of_whole_dump() {
            result.fatal = Some(message);
        } else {
            result.warnings.push(message);
        }
    }

    fn make_rows<S>(
        &self,
        mut page: Page<'_>,
        page_to_rows: &impl PageToRows<S>,
        sink: &mut S,
        counters: &mut Counters,
    ) -> Result<(), RowError> {
        if let Some(redirects) = &self.redirects {
            redirects.resolve(&mut page, counters);
        }
        let Some(extractor) = self.extractors.get(&page.lang) else {
            let (column, found) = ("lang".to_owned(), format!("`{}` in {}", page.lang, page.title));
            return Err(RowError::Column { column, found, expected: "a language of the manifest's config.sites".to_owned() });
        };
        page_to_rows(page, extractor, sink)
    }

    /// Parses a page of a dump and extracts its text.
    fn read_page(&self, xml: &PageXml, dump: &DumpInfo) -> Result<(Page<'static>, VanishedTemplates), PageSkipReason> {
        let page = DumpPage::parse(xml, &dump.site).map_err(PageSkipReason::Malformed)?;
        if !self.settings.namespaces.contains(&page.namespace) {
            return Err(PageSkipReason::OtherNamespace);
        }
        if page.model != "wikitext" {
            return Err(PageSkipReason::OtherModel(page.model));
        }
        let redirect = redirect_of(&page, &dump.site, &dump.lang);
        let extractor = self.extractors.get(&dump.lang).expect("there is an extractor for the language of each dump");
        let extract = match redirect {
            Some(_) => ExtractedPage::default(),
            None => extractor.extract(&page.title, &page.text),
        };
        let sentences = sentence::split_page(&dump.lang, &extract.text, &extract.segments, &extract.anchors);
        let page = Page {
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
            holes: extract.holes,
            categories: extract.metadata.categories,
            templates: extract.metadata.templates,
            description: extract.metadata.description.map(Cow::Owned),
            wikidata: extract.metadata.wikidata.map(Cow::Owned),
            issues: page.issue.into_iter().chain(extract.issues).collect(),
        };
        Ok((page, extract.vanished))
    }
}

/// Why a page of a dump gets no row.
enum PageSkipReason {
    /// Its namespace was not asked for.
    OtherNamespace,
    /// Its content is not wikitext, but of this model.
    OtherModel(String),
    /// Its XML cannot be parsed.
    Malformed(MalformedPage),
}

impl fmt::Display for PageSkipReason {
    /// The reason as the counters name it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherNamespace => f.write_str("other namespace"),
            Self::OtherModel(model) => write!(f, "other model: {model}"),
            Self::Malformed(error) => f.write_str(&error.reason()),
        }
    }
}

/// Counts whether a page has text.
fn count_text(page: &Page<'_>, counter: &mut Counter) {
    if page.redirect.is_some() {
        counter.skip("redirect");
    } else if page.text.is_empty() {
        counter.skip("empty");
    } else {
        counter.keep();
    }
}

//! Where redirect pages lead: read in a pass of its own, before the pages are made into rows.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use anyhow::bail;
use memchr::memmem;
use schemas::{Counter, Page};
use tracing::info;

use super::batch_reader::read_batches;
use super::dump::DumpInfo;
use super::inputs::Inputs;
use super::page_batch::BatchContent;
use super::position::ReadPosition;
use super::read_pass::ReadPass;
use crate::counters::{CounterKey, Counters};
use crate::interner::{CapacityError, Interner};
use crate::ordered_map::{Limits, TaskQueue, ordered_map};
use crate::source::{DumpPage, PageXml, SiteInfo};
use crate::wikitext::redirect_target;

/// The redirects of all wikis of a run.
#[derive(Debug, Default)]
pub struct Redirects {
    by_lang: BTreeMap<String, RedirectMap>,
    counter: Counter,
}

/// A redirect page.
struct Redirect {
    lang: String,
    title: String,
    target: String,
}

impl Redirects {
    /// Reads the redirect pages of all inputs. Damage and malformed pages are skipped: the pass that makes rows reports them. `progress` is
    /// called with the number of pages read so far.
    ///
    /// # Errors
    /// More than 4 GiB of titles, or an interruption.
    pub fn read(inputs: Inputs, limits: Limits, pass: ReadPass<'_>, mut progress: impl FnMut(u64) + Send) -> anyhow::Result<Self> {
        let infos = inputs.infos();
        let mut redirects = Self::default();
        let mut pages = 0;
        let (_, result) = ordered_map(
            limits,
            &TaskQueue::default(),
            |feed| read_batches(inputs.opened, ReadPosition::default(), feed, pass),
            |batch| redirects_of_batch(batch.content, &infos),
            |(count, found)| -> Result<(), CapacityError> {
                pages += count as u64;
                progress(pages);
                for Redirect { lang, title, target } in found {
                    redirects.by_lang.entry(lang).or_default().add(&title, without_fragment(&target))?;
                }
                Ok(())
            },
        );
        if let Err(error) = result {
            bail!("redirects: {error}");
        }
        if pass.interrupted.load(Ordering::Relaxed) {
            bail!("interrupted");
        }
        for map in redirects.by_lang.values_mut() {
            map.resolve_chains(&mut redirects.counter);
        }
        info!(target: "inputs", pages, redirects = %redirects.counter, "redirects read");
        Ok(redirects)
    }

    /// Redirect pages: those that lead to a page, and those in a loop.
    pub fn counter(&self) -> &Counter {
        &self.counter
    }

    /// Replaces the targets of a page's anchors by the pages that they redirect to. Counts `targets`.
    pub fn resolve(&self, page: &mut Page<'_>, counters: &mut Counters) {
        let map = self.by_lang.get(&*page.lang);
        let counter = counters.of(CounterKey::Targets);
        for anchor in &mut page.anchors {
            match map.map_or(Resolution::NoRedirect, |map| map.resolve(&anchor.target)) {
                Resolution::Title(title) => {
                    anchor.target = Cow::Owned(title.to_owned());
                    counter.keep();
                }
                Resolution::Loop => counter.skip("left as written: redirect loop"),
                Resolution::NoRedirect => counter.skip("left as written: no redirect"),
            }
        }
    }
}

/// The number of pages in a batch, and its redirects.
fn redirects_of_batch(content: BatchContent, dumps: &[DumpInfo]) -> (usize, Vec<Redirect>) {
    match content {
        BatchContent::Empty => (0, Vec::new()),
        BatchContent::Rows { folder, slice, .. } => {
            // Rows that cannot be read, or lack the columns of pages, are reported by the pass that makes rows.
            let batches = folder.read_slice(&slice, None).unwrap_or_default();
            let pages = batches.iter().flat_map(|rows| Page::views(rows).unwrap_or_default());
            let redirects = pages.filter_map(|page| {
                let target = page.redirect?.into_owned();
                Some(Redirect { lang: page.lang.into_owned(), title: page.title.into_owned(), target })
            });
            (slice.rows, redirects.collect())
        }
        BatchContent::Pages { dump, pages } => {
            let dump = &dumps[dump];
            let candidates = pages.iter().filter(|page| may_be_redirect(page));
            let redirects = candidates.filter_map(|page| DumpPage::parse(page, &dump.site).ok()).filter_map(|page| {
                let target = redirect_of(&page, &dump.site, &dump.lang)?;
                Some(Redirect { lang: dump.lang.clone(), title: page.title, target })
            });
            (pages.len(), redirects.collect())
        }
    }
}

/// Whether the XML of a page has a redirect element, or a text that starts like a redirect: in text `<` and `>` are escaped.
fn may_be_redirect(page: &PageXml) -> bool {
    let marks: [&[u8]; 3] = [b"<redirect", b">#", ">＃".as_bytes()];
    let xml = page.xml();
    marks.iter().any(|mark| memmem::find(&xml, mark).is_some())
}

/// The title that a page redirects to: the one in the dump's redirect element, which is canonical, or else the one in its text.
pub fn redirect_of(page: &DumpPage, site: &SiteInfo, lang: &str) -> Option<String> {
    let element = page.redirect.clone().filter(|target| !target.is_empty());
    element.or_else(|| redirect_target(site, lang, &page.text)).or_else(|| page.redirect.clone())
}

fn without_fragment(target: &str) -> &str {
    target.split_once('#').map_or(target, |(title, _)| title)
}

/// Titles with the titles that they redirect to.
///
/// Memory: each title once, and about 24 bytes for each.
#[derive(Debug, Default)]
struct RedirectMap {
    titles: Interner,
    /// By number of a title: the number of its target, [`NO_REDIRECT`] or [`LOOP`].
    targets: Vec<u32>,
}

/// The title is not a redirect.
const NO_REDIRECT: u32 = u32::MAX;
/// The title is part of a redirect loop, or leads into one.
const LOOP: u32 = u32::MAX - 1;

/// What a title redirects to.
#[derive(Debug, PartialEq, Eq)]
enum Resolution<'a> {
    Title(&'a str),
    Loop,
    NoRedirect,
}

impl RedirectMap {
    fn add(&mut self, title: &str, target: &str) -> Result<(), CapacityError> {
        let (title, target) = (self.titles.intern(title)?, self.titles.intern(target)?);
        self.targets.resize(self.titles.len(), NO_REDIRECT);
        self.targets[title as usize] = target;
        Ok(())
    }

    /// Points each title at the end of its chain of redirects. Linear in the number of titles.
    fn resolve_chains(&mut self, counter: &mut Counter) {
        let mut is_resolved = vec![false; self.targets.len()];
        let mut path = Vec::new();
        for start in 0..self.targets.len() {
            let mut at = start;
            // Titles on the path are marked as a loop for now: a walk that meets its own path has found one.
            while !is_resolved[at] && self.targets[at] != NO_REDIRECT {
                path.push(at);
                let next = self.targets[at] as usize;
                (is_resolved[at], self.targets[at]) = (true, LOOP);
                at = next;
            }
            let end = match self.targets[at] {
                NO_REDIRECT => u32::try_from(at).expect("numbers of titles are u32"),
                resolved => resolved,
            };
            for title in path.drain(..) {
                self.targets[title] = end;
                if end == LOOP { counter.skip("redirect loop") } else { counter.keep() }
            }
        }
    }

    fn resolve(&self, title: &str) -> Resolution<'_> {
        match self.titles.number(title).map_or(NO_REDIRECT, |number| self.targets[number as usize]) {
            NO_REDIRECT => Resolution::NoRedirect,
            LOOP => Resolution::Loop,
            target => Resolution::Title(self.titles.get(target)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_are_resolved_and_loops_are_found() {
        let mut map = RedirectMap::default();
        for (title, target) in
            [("A", "B"), ("B", "C"), ("D", "B"), ("X", "Y"), ("Y", "Z"), ("Z", "Y"), ("S", "S"), ("W", "X"), ("E", "Old"), ("E", "C")]
        {
            map.add(title, target).unwrap();
        }
        let mut counter = Counter::default();
        map.resolve_chains(&mut counter);
        assert_eq!(counter.to_string(), "9 in, 4 out, 5 skipped (redirect loop 5)");
        for (title, expected) in [
            ("A", Resolution::Title("C")),
            ("B", Resolution::Title("C")),
            ("D", Resolution::Title("C")),
            ("E", Resolution::Title("C")),
            ("C", Resolution::NoRedirect),
            ("never", Resolution::NoRedirect),
            ("X", Resolution::Loop),
            ("W", Resolution::Loop),
            ("S", Resolution::Loop),
        ] {
            assert_eq!(map.resolve(title), expected, "{title}");
        }
    }

    #[test]
    fn a_chain_of_any_length_is_resolved_in_linear_time() {
        let mut map = RedirectMap::default();
        for number in 0..200_000 {
            map.add(&number.to_string(), &(number + 1).to_string()).unwrap();
        }
        map.resolve_chains(&mut Counter::default());
        assert_eq!((map.resolve("0"), map.resolve("199999")), (Resolution::Title("200000"), Resolution::Title("200000")));
    }
}

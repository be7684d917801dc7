//! Where redirect pages lead, from a pass over the input before the one that makes rows.

use std::borrow::Cow;
use std::collections::BTreeMap;

use anyhow::bail;
use memchr::memmem;
use schemas::{Counter, Page};

use super::read::{Position, Work, read_all};
use super::sources::Sources;
use crate::cli::{Common, DumpArgs};
use crate::interner::{Full, Strings};
use crate::label::sentences::{Counters, Thing};
use crate::ordered_map;
use crate::run::progress::Reporter;
use crate::run::work::redirect_of;
use crate::source::DumpPage;
use crate::wikitext::normalise_title;

/// The redirects of all wikis of a run.
#[derive(Debug, Default)]
pub(crate) struct Redirects {
    by_lang: BTreeMap<String, TitleMap>,
    /// Redirect pages, and those that lead somewhere.
    pub tally: Counter,
}

impl Redirects {
    /// Reads the redirect pages of all inputs. What is damaged or malformed is left to the pass that makes rows.
    ///
    /// # Errors
    /// An input that is not what it should be, or more titles than there is room for.
    pub(crate) fn read(sources: &Sources, dump: &DumpArgs, common: &Common) -> anyhow::Result<Self> {
        let sources = sources.again(dump, common)?;
        let dumps = sources.dumps();
        let mut reporter = Reporter::new(common.quiet, sources.bytes, sources.progress.clone(), 0);
        let mut pages: BTreeMap<String, Counter> = BTreeMap::new();
        let mut all = Self::default();
        let (_, result) = ordered_map::ordered(
            common.limits(),
            |feed| read_all(sources.sources, Position::default(), feed, true),
            |batch| match batch.work {
                Work::Nothing => (0, Vec::new()),
                // What has not the columns of pages is left to the pass that makes rows.
                Work::Rows { rows, .. } => {
                    let pages = Page::views(&rows).unwrap_or_default();
                    let found = pages
                        .into_iter()
                        .filter_map(|page| Some((page.lang.into_owned(), page.title.into_owned(), page.redirect?.into_owned())));
                    (rows.num_rows(), found.collect())
                }
                Work::Chunks { dump, chunks } => {
                    let dump = &dumps[dump];
                    // In text `<` is escaped, so this is the element, or the start of one that holds the text.
                    let marks: [&[u8]; 3] = [b"<redirect", b">#", ">＃".as_bytes()];
                    let redirects = chunks.iter().filter(|chunk| marks.iter().any(|mark| memmem::find(&chunk.xml, mark).is_some()));
                    let pages = redirects.filter_map(|chunk| DumpPage::parse(chunk, &dump.site).ok());
                    let found: Vec<(String, String, String)> =
                        pages.filter_map(|page| redirect_of(&page, &dump.lang).map(|to| (dump.lang.clone(), page.title, to))).collect();
                    (chunks.len(), found)
                }
            },
            |(count, found)| -> Result<(), Full> {
                let tally = pages.entry("pages".to_owned()).or_default();
                (0..count).for_each(|_| tally.keep());
                reporter.show(&pages);
                for (lang, title, target) in found {
                    all.by_lang.entry(lang).or_default().add(&normalise_title(&title), &target_title(&target))?;
                }
                Ok(())
            },
        );
        reporter.end();
        if let Err(full) = result {
            bail!("redirects: {full}");
        }
        for map in all.by_lang.values_mut() {
            map.settle(&mut all.tally);
        }
        Ok(all)
    }

    /// Lets the anchors of a page lead to where their redirects do. Counts `targets`.
    pub(crate) fn resolve(&self, page: &mut Page<'_>, counters: &mut Counters) {
        let map = self.by_lang.get(&*page.lang);
        let tally = counters.of(Thing::Targets);
        for anchor in &mut page.anchors {
            match map.map_or(Leads::Nowhere, |map| map.leads(&anchor.target)) {
                Leads::To(title) => {
                    anchor.target = Cow::Owned(title.to_owned());
                    tally.keep();
                }
                Leads::Round => tally.skip("left as written: redirect loop"),
                Leads::Nowhere => tally.skip("left as written: no redirect"),
            }
        }
    }
}

fn target_title(target: &str) -> String {
    normalise_title(target.split_once('#').map_or(target, |(title, _)| title))
}

/// Titles and where they lead.
///
/// Memory: each title once, and about 24 bytes for each.
#[derive(Debug, Default)]
struct TitleMap {
    titles: Strings,
    /// For each title where it leads: another's number, [`HERE`] or [`ROUND`].
    targets: Vec<u32>,
}

/// The title is no redirect.
const HERE: u32 = u32::MAX;
/// The title leads round in a circle.
const ROUND: u32 = u32::MAX - 1;

/// Where a title leads.
#[derive(Debug, PartialEq, Eq)]
enum Leads<'a> {
    To(&'a str),
    Round,
    Nowhere,
}

impl TitleMap {
    fn add(&mut self, title: &str, target: &str) -> Result<(), Full> {
        let (title, target) = (self.titles.intern(title)?, self.titles.intern(target)?);
        self.targets.resize(self.titles.len(), HERE);
        self.targets[title as usize] = target;
        Ok(())
    }

    /// Lets each title lead to the end of its chain at once.
    fn settle(&mut self, tally: &mut Counter) {
        let mut settled = vec![false; self.targets.len()];
        let mut path = Vec::new();
        for start in 0..self.targets.len() {
            let mut at = start;
            // Where the walk meets itself it stands on a title that is settled for now as leading round.
            while !settled[at] && self.targets[at] != HERE {
                path.push(at);
                let next = self.targets[at] as usize;
                (settled[at], self.targets[at]) = (true, ROUND);
                at = next;
            }
            let end = match self.targets[at] {
                HERE => u32::try_from(at).expect("numbers of titles are u32"),
                known => known,
            };
            for title in path.drain(..) {
                self.targets[title] = end;
                if end == ROUND { tally.skip("leads round in a circle") } else { tally.keep() }
            }
        }
    }

    fn leads(&self, title: &str) -> Leads<'_> {
        match self.titles.number(title).map_or(HERE, |number| self.targets[number as usize]) {
            HERE => Leads::Nowhere,
            ROUND => Leads::Round,
            target => Leads::To(self.titles.get(target)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_end_and_loops_are_told() {
        let mut map = TitleMap::default();
        for (title, target) in
            [("A", "B"), ("B", "C"), ("D", "B"), ("X", "Y"), ("Y", "Z"), ("Z", "Y"), ("S", "S"), ("W", "X"), ("E", "Old"), ("E", "C")]
        {
            map.add(title, target).unwrap();
        }
        let mut tally = Counter::default();
        map.settle(&mut tally);
        assert_eq!(tally.to_string(), "9 in, 4 out, 5 skipped (leads round in a circle 5)");
        for (title, expected) in [
            ("A", Leads::To("C")),
            ("B", Leads::To("C")),
            ("D", Leads::To("C")),
            ("E", Leads::To("C")),
            ("C", Leads::Nowhere),
            ("never", Leads::Nowhere),
            ("X", Leads::Round),
            ("W", Leads::Round),
            ("S", Leads::Round),
        ] {
            assert_eq!(map.leads(title), expected, "{title}");
        }
    }

    #[test]
    fn a_chain_of_any_length_is_one_walk() {
        let mut map = TitleMap::default();
        for number in 0..200_000 {
            map.add(&number.to_string(), &(number + 1).to_string()).unwrap();
        }
        map.settle(&mut Counter::default());
        assert_eq!((map.leads("0"), map.leads("199999")), (Leads::To("200000"), Leads::To("200000")));
    }
}

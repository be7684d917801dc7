//! The titles of wikis with their labels: those of pages and redirects, and those that links name without there being a page.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use schemas::{Counter, Page};

use super::language_rules::{KnownLists, Label, LanguageRules, Verdict};
use super::page_pass::{PassSettings, read_pages};
use super::type_rules::TypeRules;
use super::word_case::{WordCase, WordCases, count_words};
use crate::input::inputs::Inputs;
use crate::interner::{CapacityError, Interner};
use crate::ordered_map::{Limits, TaskQueue, ordered_map};
use crate::wikitext::{Wiki, strip_disambiguator};

/// The titles of one wiki, with the rules of its language.
pub struct WikiTitles {
    pub(super) rules: LanguageRules,
    pub(super) wiki: Wiki,
    pub(super) table: TitleTable,
}

/// Titles, numbered, with what they are.
///
/// Memory: the bytes of the titles and about 30 more for each.
#[derive(Debug, Default)]
pub(super) struct TitleTable {
    pub titles: Interner,
    /// By number of the title.
    pub kinds: Vec<TitleKind>,
    /// For each redirect, the number of the title it leads to.
    redirects: HashMap<u32, u32>,
}

/// What a title is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TitleKind {
    /// Links name it, and there is no page.
    Linked,
    /// A page of which metadata says nothing.
    Page,
    /// A page, or a title without one, with what the rules say of it.
    Judged(Verdict),
    /// A disambiguation page.
    Disambiguation,
    /// A redirect to a title.
    Redirect,
    /// A redirect to a section, or part of a loop.
    DeadRedirect,
}

/// What was counted of pages, redirects and titles without a page.
#[derive(Debug, Default)]
pub struct TitleCounts {
    /// Pages: those with a label.
    pub pages: Counter,
    /// Redirects: those to a title with a label.
    pub redirects: Counter,
    /// Titles that links name and that have no page: those with a label.
    pub linked: Counter,
}

/// What is found in some pages, by language.
#[derive(Default)]
struct FoundTitles(BTreeMap<String, FoundOfLang>);

#[derive(Default)]
struct FoundOfLang {
    titles: TitlesOfLang,
    words: HashMap<String, WordCase>,
}

#[derive(Default)]
struct TitlesOfLang {
    pages: Vec<(String, TitleKind)>,
    /// Each with its target.
    redirects: Vec<(String, String)>,
    /// Targets of links.
    targets: BTreeSet<String>,
}

/// The titles of all wikis, by language.
pub type Titles = BTreeMap<String, WikiTitles>;

/// Reads the titles of all pages and links, and labels them.
///
/// # Errors
/// Chinese pages in both scripts, a shard that cannot be read, an interruption, or more than 4 GiB of titles.
pub fn read_titles(
    inputs: Inputs,
    rules: &TypeRules,
    known: &KnownLists,
    settings: PassSettings<'_>,
    progress: impl FnMut(u64) + Send,
) -> anyhow::Result<(Titles, TitleCounts)> {
    let script = inputs.script_of_text(None)?;
    let mut languages = BTreeMap::new();
    for (lang, site) in &inputs.sites {
        languages.insert(lang.clone(), (LanguageRules::new(rules, lang, known, script), Wiki::new(site, lang)));
    }
    let mut tables: BTreeMap<String, (TitleTable, WordCases)> = BTreeMap::new();
    read_pages(
        inputs,
        settings,
        |page, found: &mut FoundTitles| {
            if let Some((rules, wiki)) = languages.get(&*page.lang) {
                found.0.entry(page.lang.to_string()).or_default().look_at(page, rules, wiki);
            }
            Ok(())
        },
        |found| {
            for (lang, FoundOfLang { words, titles }) in found.0 {
                let (table, cases) = tables.entry(lang).or_default();
                table.add(titles)?;
                cases.add(words)?;
            }
            Ok(())
        },
        progress,
    )?;
    let mut counts = TitleCounts::default();
    let mut titles = Titles::new();
    for (lang, (mut rules, wiki)) in languages {
        let (mut table, cases) = tables.remove(&lang).unwrap_or_default();
        if rules.asks_for_common_words() {
            rules.set_common_words(cases.common_words());
        }
        table.judge(&rules, settings.limits, &mut counts);
        titles.insert(lang, WikiTitles { rules, wiki, table });
    }
    Ok((titles, counts))
}

impl FoundOfLang {
    fn look_at(&mut self, page: &Page<'_>, rules: &LanguageRules, wiki: &Wiki) {
        if !wiki.is_article(&page.title) {
            return;
        }
        let titles = &mut self.titles;
        if let Some(target) = &page.redirect {
            titles.redirects.push((page.title.to_string(), target.to_string()));
            return;
        }
        let kind = if page.disambiguation {
            TitleKind::Disambiguation
        } else {
            match rules.verdict_of_page(page) {
                Verdict::Unknown => TitleKind::Page,
                verdict => TitleKind::Judged(verdict),
            }
        };
        titles.pages.push((page.title.to_string(), kind));
        let targets = page.anchors.iter().map(|anchor| &anchor.target).filter(|target| wiki.is_article(target));
        targets.for_each(|target| {
            if !titles.targets.contains(&**target) {
                titles.targets.insert(target.to_string());
            }
        });
        if rules.asks_for_common_words() {
            count_words(&page.text, &mut self.words);
        }
    }
}

impl WikiTitles {
    /// The label of a title or a redirect, and the name in it; `None` where it has no label, or is no name of what it leads to.
    pub(super) fn name_of(&self, number: u32) -> Option<(Label, String)> {
        let label = self.table.label(number)?;
        let page = self.table.page_of(number);
        if page == number {
            return Some((label, self.rules.name_in(self.table.titles.get(number), label)));
        }
        let name = self.bare_title(number);
        let is_no_name = self.rules.is_no_name(&name, &self.rules.convert(self.table.titles.get(page)), label);
        (!is_no_name && name.contains(char::is_alphabetic)).then_some((label, name))
    }

    /// Whether a title without label is about what a text names, as `History of France` is about `France`: a link to it says nothing of the name.
    pub(super) fn is_about(&self, title: &str, text: &str) -> bool {
        let Some(number) = self.table.titles.number(title) else { return false };
        if self.table.label(number).is_some() {
            return false;
        }
        let bare = self.bare_title(number);
        bare.len() > text.len() && bare.contains(text)
    }

    /// A title without its bracket, in the script of the text.
    pub(super) fn bare_title(&self, number: u32) -> String {
        self.rules.convert(strip_disambiguator(self.table.titles.get(number))).into_owned()
    }
}

impl TitleTable {
    /// The numbers of all titles.
    pub fn numbers(&self) -> std::ops::Range<u32> {
        0..u32::try_from(self.kinds.len()).unwrap_or(u32::MAX)
    }

    fn add(&mut self, found: TitlesOfLang) -> Result<(), CapacityError> {
        for target in found.targets {
            self.number_of(&target)?;
        }
        for (title, kind) in found.pages {
            let number = self.number_of(&title)?;
            self.kinds[number as usize] = kind;
        }
        for (title, target) in found.redirects {
            let number = self.number_of(&title)?;
            // A redirect to a section is not about the whole page.
            self.kinds[number as usize] = TitleKind::DeadRedirect;
            if !target.contains('#') {
                let target = self.number_of(&target)?;
                self.kinds[number as usize] = TitleKind::Redirect;
                self.redirects.insert(number, target);
            }
        }
        Ok(())
    }

    fn number_of(&mut self, title: &str) -> Result<u32, CapacityError> {
        let number = self.titles.intern(title)?;
        self.kinds.resize(self.titles.len(), TitleKind::Linked);
        Ok(number)
    }

    /// Labels the titles of which no page says what they are, on several threads, and resolves the redirects.
    fn judge(&mut self, rules: &LanguageRules, limits: Limits, counts: &mut TitleCounts) {
        let (titles, kinds) = (&self.titles, &self.kinds);
        let count = u32::try_from(kinds.len()).expect("numbers of titles are u32");
        let mut verdicts = Vec::with_capacity(kinds.len());
        let judge = |number: u32| match kinds[number as usize] {
            TitleKind::Linked | TitleKind::Page => rules.verdict_of_title(titles.get(number)),
            _ => Verdict::Unknown,
        };
        let (_, never) = ordered_map(
            limits,
            &TaskQueue::default(),
            |feed| (0..count).step_by(TITLES_AT_ONCE).all(|first| feed.send(first, 0)),
            |first| (first..count.min(first + TITLES_AT_ONCE as u32)).map(judge).collect::<Vec<_>>(),
            |found| -> Result<(), std::convert::Infallible> {
                verdicts.extend(found);
                Ok(())
            },
        );
        match never {
            Ok(()) => {}
            Err(never) => match never {},
        }
        for (kind, verdict) in self.kinds.iter_mut().zip(verdicts) {
            let counter = if *kind == TitleKind::Linked { &mut counts.linked } else { &mut counts.pages };
            if matches!(kind, TitleKind::Linked | TitleKind::Page) {
                *kind = TitleKind::Judged(verdict);
            }
            match kind {
                TitleKind::Judged(Verdict::Label(_)) => counter.keep(),
                TitleKind::Judged(Verdict::NoLabel) => counter.skip("of no label"),
                TitleKind::Judged(Verdict::Conflict) => counter.skip("of several labels"),
                TitleKind::Judged(Verdict::Unknown) | TitleKind::Linked | TitleKind::Page => counter.skip("no rule knows it"),
                TitleKind::Disambiguation => counter.skip("disambiguation"),
                TitleKind::Redirect | TitleKind::DeadRedirect => {}
            }
        }
        self.resolve_redirects(&mut counts.redirects);
    }

    /// Points each redirect at the end of its chain.
    fn resolve_redirects(&mut self, counter: &mut Counter) {
        let end_of = |target: u32| {
            let mut end = target;
            for _ in 0..MAX_REDIRECTS {
                match self.redirects.get(&end) {
                    Some(&next) => end = next,
                    None => return Some(end),
                }
            }
            None
        };
        let resolved: Vec<(u32, Option<u32>)> = self.redirects.iter().map(|(&redirect, &target)| (redirect, end_of(target))).collect();
        for (redirect, end) in resolved {
            match end {
                Some(end) => drop(self.redirects.insert(redirect, end)),
                None => self.kinds[redirect as usize] = TitleKind::DeadRedirect,
            }
        }
        for number in 0..self.kinds.len() {
            match self.kinds[number] {
                TitleKind::Redirect if self.label(u32::try_from(number).unwrap_or(u32::MAX)).is_some() => counter.keep(),
                TitleKind::Redirect => counter.skip("to a title without label"),
                TitleKind::DeadRedirect => counter.skip("to a section, or round in a circle"),
                _ => {}
            }
        }
    }

    /// The number of the page that a title leads to, by redirects.
    pub fn page_of(&self, number: u32) -> u32 {
        match self.kinds[number as usize] {
            TitleKind::Redirect => self.redirects[&number],
            _ => number,
        }
    }

    /// The label of a title, or of the page it redirects to.
    pub fn label(&self, number: u32) -> Option<Label> {
        match self.kinds[self.page_of(number) as usize] {
            TitleKind::Judged(Verdict::Label(label)) => Some(label),
            _ => None,
        }
    }
}

/// Titles that a thread labels at once.
const TITLES_AT_ONCE: usize = 4096;
/// Redirects to redirects that are followed; a wiki follows one.
const MAX_REDIRECTS: usize = 16;

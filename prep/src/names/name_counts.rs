//! Names with what they stand for: in links, and in the text outside of links.

use std::collections::{BTreeMap, HashSet};

use anyhow::Context;
use rustc_hash::FxHashMap;
use schemas::{Counter, Page};

use super::language_rules::Label;
use super::page_pass::{PassSettings, read_pages};
use super::titles::{TitleKind, Titles, WikiTitles};
use crate::gazetteer::family_name::family_name;
use crate::gazetteer::matcher::{NameMatcher, NameMatcherBuilder};
use crate::input::inputs::Inputs;
use crate::interner::{CapacityError, Interner};

/// Chars of the longest name.
const MAX_NAME_CHARS: usize = 100;

/// The names of one wiki.
///
/// Memory: the bytes of the names and about 80 more for each.
#[derive(Debug, Default)]
pub struct WikiNames {
    pub(super) names: Interner,
    /// For each name, how often it stands for anything: links with this text, titles and redirects, and full names that end with it.
    pub(super) totals: Vec<u32>,
    /// For each name, how often it stands in the text outside of links.
    pub(super) unlinked: Vec<u32>,
    pub(super) labels: FxHashMap<(u32, Label), LabelCount>,
    /// For names that are the last word of full names, how often those stand for something of a label: pages that name `Alfred Hitchcock` go on
    /// with `Hitchcock`.
    family_names: FxHashMap<(u32, Label), u32>,
    /// Texts of links to pages of a label that are no names, each with its number of links.
    pub(super) no_names: BTreeMap<String, u32>,
}

/// How often a name stands for something of a label.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct LabelCount {
    pub count: u32,
    /// Whether a title or a redirect has this name.
    pub has_title: bool,
    /// The page to which most links with this text lead, if one has more than half of them; else one of them. Boyer and Moore's vote.
    pub page: u32,
    votes: u32,
}

/// The names of all wikis, by language.
pub type NamesByLang = BTreeMap<String, WikiNames>;

/// Links of some pages, by language.
#[derive(Default)]
struct FoundLinks {
    by_lang: BTreeMap<String, LinksOfLang>,
    counter: Counter,
}

#[derive(Default)]
struct LinksOfLang {
    /// Links by text, label and number of the page.
    links: FxHashMap<(String, Label, u32), u32>,
    no_names: FxHashMap<String, u32>,
}

/// Counts the names of pages with a label: their titles, the redirects to them, and the texts of links that lead to them. The counter is that
/// of links.
///
/// # Errors
/// As [`read_titles`](super::titles::read_titles).
pub fn count_links(
    inputs: Inputs,
    titles: &Titles,
    settings: PassSettings<'_>,
    progress: impl FnMut(u64) + Send,
) -> anyhow::Result<(NamesByLang, Counter)> {
    let mut names = NamesByLang::new();
    for (lang, wiki) in titles {
        names.insert(lang.clone(), WikiNames::of_titles(wiki)?);
    }
    let mut counter = Counter::default();
    read_pages(
        inputs,
        settings,
        |page, found: &mut FoundLinks| {
            let Some(wiki) = titles.get(&*page.lang) else { return Ok(()) };
            let of_lang = found.by_lang.entry(page.lang.to_string()).or_default();
            for anchor in &page.anchors {
                match of_lang.add(wiki, &anchor.target, anchor.fragment.is_some(), &anchor.text) {
                    None => found.counter.keep(),
                    Some(reason) => found.counter.skip(reason),
                }
            }
            Ok(())
        },
        |found| {
            counter.add(&found.counter);
            for (lang, links) in found.by_lang {
                names.get_mut(&lang).context("a language without rules")?.add_links(links)?;
            }
            Ok(())
        },
        progress,
    )?;
    for (lang, wiki) in titles {
        let of_lang = names.get_mut(lang).context("a language without rules")?;
        of_lang.totals = vec![0; of_lang.names.len()];
        of_lang.unlinked = vec![0; of_lang.names.len()];
        of_lang.count_titles(wiki);
        of_lang.count_family_names();
    }
    Ok((names, counter))
}

impl LinksOfLang {
    /// Adds a link, or says why it names nothing.
    fn add(&mut self, wiki: &WikiTitles, target: &str, is_section: bool, text: &str) -> Option<&'static str> {
        if !wiki.wiki.is_article(target) {
            return Some("not an article");
        }
        if is_section {
            return Some("to a section");
        }
        let Some(number) = wiki.table.titles.number(target) else { return Some("to a page without label") };
        let Some(label) = wiki.table.label(number) else { return Some("to a page without label") };
        let Some(text) = name_text(text) else { return Some("text without letters, or too long") };
        let page = wiki.table.page_of(number);
        // `Springfield, Illinois` is a link to the town with the name of its state.
        let name = wiki.rules.name_in(wiki.table.titles.get(page), label);
        let is_with_region = text.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with(", "));
        let text = if is_with_region { name.as_str() } else { text };
        if wiki.rules.is_no_name(text, &wiki.rules.convert(wiki.table.titles.get(page)), label) {
            *self.no_names.entry(text.to_owned()).or_default() += 1;
            return Some("text is no name");
        }
        *self.links.entry((text.to_owned(), label, page)).or_default() += 1;
        None
    }
}

impl WikiNames {
    /// The names in titles and redirects of pages with a label.
    fn of_titles(wiki: &WikiTitles) -> Result<Self, CapacityError> {
        let mut names = Self::default();
        for text in &wiki.rules.no_name_texts {
            names.no_names.insert(text.clone(), 0);
        }
        for number in wiki.table.numbers() {
            if let Some((label, name)) = wiki.name_of(number) {
                let name = names.names.intern(&name)?;
                let of_label = names.labels.entry((name, label)).or_default();
                of_label.count += 1;
                of_label.has_title = true;
            }
        }
        Ok(names)
    }

    fn add_links(&mut self, found: LinksOfLang) -> Result<(), CapacityError> {
        // In order, so that numbers and votes do not depend on hashes.
        let mut links: Vec<((String, Label, u32), u32)> = found.links.into_iter().collect();
        links.sort_unstable();
        for ((text, label, page), count) in links {
            let name = self.names.intern(&text)?;
            let of_label = self.labels.entry((name, label)).or_default();
            of_label.count = of_label.count.saturating_add(count);
            of_label.vote(page, count);
        }
        for (text, count) in found.no_names {
            *self.no_names.entry(text).or_default() += count;
        }
        Ok(())
    }

    /// Counts all titles and redirects with the names.
    fn count_titles(&mut self, wiki: &WikiTitles) {
        for number in wiki.table.numbers() {
            let name = match wiki.name_of(number) {
                Some((_, name)) => name,
                None if wiki.table.kinds[number as usize] == TitleKind::Disambiguation => continue,
                None => wiki.bare_title(number),
            };
            if let Some(name) = self.names.number(&name) {
                self.totals[name as usize] += 1;
            }
        }
    }
}

impl WikiNames {
    /// Counts the full names that end with a name.
    fn count_family_names(&mut self) {
        for (&(name, label), of_label) in &self.labels {
            if let Some(family) = family_name(self.names.get(name)).and_then(|family| self.names.number(family)) {
                let count = self.family_names.entry((family, label)).or_default();
                *count = count.saturating_add(of_label.count);
                let total = &mut self.totals[family as usize];
                *total = total.saturating_add(of_label.count);
            }
        }
    }

    /// How often a name stands for something else than what has a label: links with this text, titles, redirects, and full names that end
    /// with it.
    pub(super) fn others(&self, name: u32, label: Label) -> u32 {
        let of_label = self.labels.get(&(name, label)).map_or(0, |of_label| of_label.count);
        let as_family = self.family_names.get(&(name, label)).copied().unwrap_or_default();
        self.totals[name as usize].saturating_sub(of_label).saturating_sub(as_family)
    }
}

impl LabelCount {
    fn vote(&mut self, page: u32, count: u32) {
        if self.votes == 0 || self.page == page {
            (self.page, self.votes) = (page, self.votes.saturating_add(count));
        } else if self.votes >= count {
            self.votes -= count;
        } else {
            (self.page, self.votes) = (page, count - self.votes);
        }
    }
}

/// What stands in the text of some pages, by language: for each name the links and the occurrences outside of links.
type FoundMentions = BTreeMap<String, FxHashMap<u32, [u32; 2]>>;

/// Counts where the names stand in the text: as links to any page, and outside of links.
///
/// An occurrence outside of links is not counted where the page explains it: it links the text elsewhere, or a text with this word, or has it
/// in its title.
///
/// # Errors
/// As [`read_titles`](super::titles::read_titles).
pub fn count_mentions(
    inputs: Inputs,
    titles: &Titles,
    names: &mut NamesByLang,
    settings: PassSettings<'_>,
    progress: impl FnMut(u64) + Send,
) -> anyhow::Result<()> {
    let mut finders = BTreeMap::new();
    for (lang, names) in &*names {
        finders.insert(lang.clone(), MentionCounter::new(names, lang)?);
    }
    let mut found_of: BTreeMap<String, Vec<[u32; 2]>> =
        names.iter().map(|(lang, names)| (lang.clone(), vec![[0; 2]; names.names.len()])).collect();
    let shared = &*names;
    read_pages(
        inputs,
        settings,
        |page, found: &mut FoundMentions| {
            let (Some(finder), Some(wiki), Some(names)) = (finders.get(&*page.lang), titles.get(&*page.lang), shared.get(&*page.lang))
            else {
                return Ok(());
            };
            finder.count(page, wiki, names, found.entry(page.lang.to_string()).or_default())
        },
        |found| {
            for (lang, counts) in found {
                let of_lang = found_of.get_mut(&lang).context("a language without rules")?;
                for (name, [links, unlinked]) in counts {
                    of_lang[name as usize][0] += links;
                    of_lang[name as usize][1] += unlinked;
                }
            }
            Ok(())
        },
        progress,
    )?;
    for (lang, names) in names {
        for (name, [links, unlinked]) in found_of.remove(lang).unwrap_or_default().into_iter().enumerate() {
            names.totals[name] += links;
            names.unlinked[name] = unlinked;
        }
    }
    Ok(())
}

/// Finds names in the text of pages.
struct MentionCounter {
    matcher: NameMatcher,
    /// For each name of the matcher, its number.
    numbers: Vec<u32>,
}

impl MentionCounter {
    /// A finder of the names, and of single words among them in lower case: `apple` says that `Apple` is a common word.
    fn new(names: &WikiNames, lang: &str) -> Result<Self, CapacityError> {
        let (mut builder, mut numbers) = (NameMatcherBuilder::default(), Vec::new());
        for number in 0..u32::try_from(names.names.len()).map_err(|_| CapacityError)? {
            let name = names.names.get(number);
            builder.add(name)?;
            numbers.push(number);
            // Not of initials: `who` says nothing of `WHO`.
            if name.starts_with(char::is_uppercase) && !name.contains(' ') && name.contains(char::is_lowercase) {
                let lower = name.to_lowercase();
                if names.names.number(&lower).is_none() {
                    builder.add(&lower)?;
                    numbers.push(number);
                }
            }
        }
        Ok(Self { matcher: builder.build().with_korean_particles(lang == "ko"), numbers })
    }

    fn count(&self, page: &Page<'_>, wiki: &WikiTitles, names: &WikiNames, found: &mut FxHashMap<u32, [u32; 2]>) -> anyhow::Result<()> {
        let mut linked_texts: HashSet<&str> = HashSet::new();
        for anchor in &page.anchors {
            let Some(text) = name_text(&anchor.text) else { continue };
            linked_texts.insert(text);
            linked_texts.extend(text.split(' '));
            if wiki.wiki.is_article(&anchor.target)
                && let Some(name) = names.names.number(text)
                && !wiki.is_about(&anchor.target, text)
            {
                found.entry(name).or_default()[0] += 1;
            }
        }
        let title = wiki.rules.convert(&page.title);
        for segment in page.segment_views() {
            let segment = segment?;
            if !segment.segment.kind.is_prose() {
                continue;
            }
            let mut text_between = |text: &str| {
                for mention in self.matcher.leftmost_longest(text, |_| true) {
                    let mention_text = &text[mention.bytes];
                    if !linked_texts.contains(mention_text) && !title.contains(mention_text) {
                        found.entry(self.numbers[mention.name]).or_default()[1] += 1;
                    }
                }
            };
            // The text between the links: a name does not reach into a link.
            let mut chars = schemas::CharSlicer::new(segment.text);
            let mut from = 0;
            for (_, link) in segment.anchor_ranges() {
                text_between(chars.slice(from, link.start).unwrap_or_default());
                from = link.end;
            }
            let end = u32::try_from(segment.text.chars().count()).unwrap_or(u32::MAX);
            text_between(chars.slice(from, end).unwrap_or_default());
        }
        Ok(())
    }
}

/// The text of a link as a name; `None` where it is none.
fn name_text(text: &str) -> Option<&str> {
    let text = text.trim();
    let is_short = text.chars().nth(MAX_NAME_CHARS).is_none();
    (is_short && text.contains(char::is_alphabetic) && !text.contains('\n')).then_some(text)
}

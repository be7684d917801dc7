//! The rules of one language, ready to label pages and titles.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use schemas::Page;

use super::pattern::{Pattern, PatternSet};
use super::rule_file::{ListEntry, RuleEntry};
use super::type_rules::{PROPER_WORD, SMALL_WORDS, TypeRules};
use crate::wikitext::{ChineseVariant, ScriptConverter, strip_disambiguator};

/// Number of a label: its position in [`TypeRules::labels`].
pub type Label = u8;

/// The entries of lists, by list.
pub type KnownLists = BTreeMap<String, Vec<String>>;

/// What the rules say of a page or a title.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It has this label.
    Label(Label),
    /// A rule says that it has none.
    NoLabel,
    /// Rules of equal weight give it several labels.
    Conflict,
    /// No rule knows it.
    Unknown,
}

/// The rules of one language.
///
/// Memory: the patterns and the entries of the lists.
#[derive(Debug, Default)]
pub struct LanguageRules {
    /// The patterns of each kind of evidence, each with the number of its rule.
    infoboxes: PatternSet<usize>,
    categories: PatternSet<usize>,
    descriptions: PatternSet<usize>,
    brackets: PatternSet<usize>,
    titles: PatternSet<usize>,
    rules: Vec<Rule>,
    lists: HashMap<String, WordList>,
    no_names: Vec<NoNames>,
    /// Texts that are no names, whatever they are linked to.
    pub no_name_texts: BTreeSet<String>,
    /// Whether texts that begin with a lower-case letter are no names.
    lower_case_is_no_name: bool,
    /// Whether texts that end with a word in lower case are no names.
    lower_case_end_is_no_name: bool,
    common_words: HashSet<String>,
    /// Converts to the script that the rules are written in.
    to_rules: Option<ScriptConverter>,
    /// Converts to the script of the text.
    to_text: Option<ScriptConverter>,
    text_is_simplified: bool,
}

/// The label of a rule, and what its titles must be like.
#[derive(Debug)]
struct Rule {
    label: Option<Label>,
    /// Position of its file: the user's comes before those that it extends.
    file: usize,
    words: Option<[usize; 2]>,
    without: Vec<Pattern>,
    capitalised: bool,
}

/// Texts of links that are no names.
#[derive(Debug)]
struct NoNames {
    /// Label of the pages that the links lead to.
    label: Option<Label>,
    texts: PatternSet<()>,
    words: Option<[usize; 2]>,
    without: Vec<Pattern>,
    /// Whether texts that the title has are names.
    unless_in_title: bool,
}

#[derive(Debug, Default)]
struct WordList {
    entries: HashSet<String>,
    skips_common_words: bool,
}

impl LanguageRules {
    /// The rules of a language, with the entries of the user's lists. `script`: that of the text, which names are written in; Chinese
    /// is compared with rules and lists in Simplified script.
    pub fn new(rules: &TypeRules, lang: &str, known: &KnownLists, script: ChineseVariant) -> Self {
        let mut compiled = Self::default();
        if lang == "zh" {
            compiled.to_rules = ScriptConverter::to(ChineseVariant::Simplified);
            compiled.to_text = ScriptConverter::to(script);
            compiled.text_is_simplified = script == ChineseVariant::Simplified;
        }
        for (number, file) in rules.files.iter().enumerate() {
            let applies = |langs: &Option<Vec<String>>| {
                let langs = langs.as_ref().unwrap_or(&file.langs);
                langs.is_empty() || langs.iter().any(|known| known == lang)
            };
            file.lists.iter().filter(|list| applies(&list.langs)).for_each(|list| compiled.add_list(list));
            for rule in file.rules.iter().filter(|rule| applies(&rule.langs)) {
                compiled.add_rule(rule, number, rule.label.as_deref().and_then(|label| rules.label(label)));
            }
            for entry in file.no_names.iter().filter(|entry| applies(&entry.langs)) {
                let mut texts = PatternSet::default();
                for text in &entry.texts {
                    let pattern = parse(&compiled.to_rules, text, false);
                    if entry.label.is_none() && pattern.is_literal() {
                        compiled.no_name_texts.insert(text.clone());
                        compiled.no_name_texts.insert(compiled.convert(text).into_owned());
                    }
                    texts.add(pattern, ());
                }
                let label = entry.label.as_deref().and_then(|label| rules.label(label));
                let without = entry.without.iter().map(|pattern| parse(&compiled.to_rules, pattern, false)).collect();
                compiled.no_names.push(NoNames { label, texts, words: entry.words, without, unless_in_title: entry.unless_in_title });
                compiled.lower_case_is_no_name |= entry.lower_case;
                compiled.lower_case_end_is_no_name |= entry.lower_case_end;
            }
        }
        for (list, entries) in known {
            if let Some(list) = compiled.lists.get_mut(list) {
                list.entries.extend(entries.iter().map(|entry| capitalise(entry)));
            }
        }
        if let Some(converter) = &compiled.to_rules {
            for list in compiled.lists.values_mut() {
                list.entries = list.entries.iter().map(|entry| converted(converter, entry)).collect();
            }
        }
        for list in compiled.lists.values_mut().filter(|list| list.skips_common_words) {
            list.entries.retain(|text| !compiled.no_name_texts.contains(text));
        }
        let lists: Vec<&ListEntry> = rules.files.iter().flat_map(|file| &file.lists).collect();
        compiled.remove_excluded(&lists);
        compiled
    }

    fn add_list(&mut self, entry: &ListEntry) {
        let list = self.lists.entry(entry.name.clone()).or_default();
        list.entries.extend(entry.words.iter().cloned());
        list.skips_common_words |= entry.skip_common_words;
    }

    /// Removes what lists say is not in them.
    fn remove_excluded(&mut self, entries: &[&ListEntry]) {
        for entry in entries {
            let others: HashSet<String> = entry
                .without_lists
                .iter()
                .filter(|other| **other != entry.name)
                .flat_map(|other| self.lists.get(other).into_iter().flat_map(|list| list.entries.iter().cloned()))
                .chain(entry.without.iter().cloned())
                .collect();
            if let Some(list) = self.lists.get_mut(&entry.name) {
                list.entries.retain(|text| !others.contains(text) || entry.words.contains(text));
            }
        }
    }

    fn add_rule(&mut self, rule: &RuleEntry, file: usize, label: Option<Label>) {
        let to_rules = &self.to_rules;
        let number = self.rules.len();
        let sets = [
            (&mut self.infoboxes, &rule.infoboxes),
            (&mut self.categories, &rule.categories),
            (&mut self.descriptions, &rule.descriptions),
            (&mut self.brackets, &rule.brackets),
        ];
        for (set, patterns) in sets {
            patterns.iter().for_each(|pattern| set.add(parse(to_rules, &pattern.to_lowercase(), false), number));
        }
        rule.titles.iter().for_each(|pattern| self.titles.add(parse(to_rules, pattern, true), number));
        let without = rule.without.iter().map(|pattern| parse(to_rules, pattern, false)).collect();
        self.rules.push(Rule { label, file, words: rule.words, without, capitalised: rule.capitalised });
    }

    /// Whether some rule asks how words are written: [`set_common_words`](Self::set_common_words) is of use.
    pub fn asks_for_common_words(&self) -> bool {
        self.lists.values().any(|list| list.skips_common_words)
    }

    /// Sets the words, in lower case, that the pages write in lower case more often than with a capital.
    pub fn set_common_words(&mut self, words: HashSet<String>) {
        for list in self.lists.values_mut().filter(|list| list.skips_common_words) {
            list.entries.retain(|text| !words.contains(&text.to_lowercase()));
        }
        self.common_words = words;
    }

    /// What its infoboxes, else its categories, else its short description say of a page.
    pub fn verdict_of_page(&self, page: &Page<'_>) -> Verdict {
        let infoboxes = self.joined(&self.infoboxes, page.templates.iter().map(String::as_str));
        if infoboxes != Verdict::Unknown {
            return infoboxes;
        }
        let categories = self.joined(&self.categories, page.categories.iter().map(String::as_str));
        if categories != Verdict::Unknown {
            return categories;
        }
        self.joined(&self.descriptions, page.description.as_deref())
    }

    /// What a title says by itself: its bracket, or else its words.
    pub fn verdict_of_title(&self, title: &str) -> Verdict {
        let title = &*convert_by(&self.to_rules, title);
        let bare = strip_disambiguator(title);
        if bare.len() < title.len() {
            let bracket = title[bare.len()..].trim().trim_start_matches(['(', '（']).trim_end_matches([')', '）']);
            let accept = |rule: usize| self.is_title_of(&self.rules[rule], bare);
            return join(self.matches(&self.brackets, &bracket.to_lowercase(), &accept).into_iter().map(|(label, _)| label));
        }
        join(self.title_matches(title).into_iter().map(|(label, _)| label))
    }

    /// The name in a title of a label, in the script of the text: without bracket, or the part that a rule says is the name.
    pub fn name_in(&self, title: &str, label: Label) -> String {
        let bare = self.convert(strip_disambiguator(title));
        let matched = self.in_script_of_rules(&bare);
        let name = self.title_matches(&matched).into_iter().find(|(found, name)| *found == Some(label) && !name.is_empty());
        let Some((_, name)) = name else { return bare.into_owned() };
        // Both scripts have as many chars.
        let chars_before = matched[..name.as_ptr().addr() - matched.as_ptr().addr()].chars().count();
        bare.chars().skip(chars_before).take(name.chars().count()).collect()
    }

    /// A title in the script of the text.
    pub fn convert<'t>(&self, title: &'t str) -> Cow<'t, str> {
        convert_by(&self.to_text, title)
    }

    /// What is in the script of the text, in that of the rules.
    fn in_script_of_rules<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.text_is_simplified { Cow::Borrowed(text) } else { convert_by(&self.to_rules, text) }
    }

    /// Whether the text of a link to a page of a label is no name of it.
    pub fn is_no_name(&self, text: &str, title: &str, label: Label) -> bool {
        let begins_lower = text.chars().next().is_some_and(char::is_lowercase);
        // `von Neumann` is a part of its title, and `eBay` is all of it.
        let is_in_title = || text.contains(char::is_uppercase) && (title.contains(text) || capitalise_first(text) == title);
        if self.lower_case_is_no_name && begins_lower && !is_in_title() {
            return true;
        }
        // `American wife` names nobody, and `Time magazine` is as good without it.
        let is_lower = |word: &&str| word.starts_with(char::is_lowercase) && !word.contains(char::is_uppercase);
        let last_word = text.rsplit_once(' ').map(|(_, last)| last).filter(is_lower);
        if self.lower_case_end_is_no_name && last_word.is_some_and(|last| !title.to_lowercase().contains(last)) {
            return true;
        }
        let is_listed = |list: &str, text: &str| self.is_listed(list, text);
        let of_label = self.no_names.iter().filter(|entry| entry.label.is_none_or(|of| of == label));
        let mut of_label = of_label.filter(|entry| !entry.unless_in_title || !title.contains(text));
        if text == self.name_in(title, label) {
            return false;
        }
        let text = &*self.in_script_of_rules(text);
        of_label.any(|entry| {
            has_words(text, entry.words)
                && !entry.texts.most_specific(text, &is_listed, &|()| true).is_empty()
                && !self.is_any_of(&entry.without, text)
        })
    }

    /// The most specific rules of titles that a title matches, each with the name in it.
    fn title_matches<'t>(&self, title: &'t str) -> Vec<(Option<Label>, &'t str)> {
        self.matches(&self.titles, title, &|rule| self.is_title_of(&self.rules[rule], title))
    }

    /// The labels of the most specific rules that a text matches, each with the name in it. Of rules of several files, those of the first count.
    fn matches<'t>(&self, patterns: &PatternSet<usize>, text: &'t str, accept: &dyn Fn(usize) -> bool) -> Vec<(Option<Label>, &'t str)> {
        let matches = patterns.most_specific(text, &|list, text| self.is_listed(list, text), accept);
        let first_file = matches.iter().map(|found| self.rules[found.value].file).min();
        let of_first_file = matches.into_iter().filter(|found| Some(self.rules[found.value].file) == first_file);
        of_first_file.map(|found| (self.rules[found.value].label, found.name)).collect()
    }

    fn is_title_of(&self, rule: &Rule, title: &str) -> bool {
        let is_small = |word: &str| self.lists.get(SMALL_WORDS).is_some_and(|small| small.entries.contains(word));
        let begins_upper = |word: &str| !word.starts_with(char::is_lowercase) || is_small(word);
        has_words(title, rule.words) && (!rule.capitalised || title.split(' ').all(begins_upper)) && !self.is_any_of(&rule.without, title)
    }

    fn is_any_of(&self, patterns: &[Pattern], text: &str) -> bool {
        patterns.iter().any(|pattern| pattern.matches(text, &|list, text| self.is_listed(list, text)).is_some())
    }

    fn is_listed(&self, list: &str, text: &str) -> bool {
        if list == PROPER_WORD {
            let is_word = text.chars().all(|c| c.is_alphabetic() || matches!(c, '-' | '\'' | '’' | '.'));
            return is_word
                && text.starts_with(char::is_uppercase)
                && text.contains(char::is_lowercase)
                && !self.common_words.contains(&text.to_lowercase())
                && !self.no_name_texts.contains(text);
        }
        self.lists.get(list).is_some_and(|list| list.entries.contains(text))
    }

    /// What several texts say together.
    fn joined<'t>(&self, patterns: &PatternSet<usize>, texts: impl IntoIterator<Item = &'t str>) -> Verdict {
        if patterns.is_empty() {
            return Verdict::Unknown;
        }
        let mut labels = Vec::new();
        for text in texts {
            let text = convert_by(&self.to_rules, text).to_lowercase();
            labels.extend(self.matches(patterns, &text, &|_| true).into_iter().map(|(label, _)| label));
        }
        join(labels)
    }
}

fn convert_by<'t>(converter: &Option<ScriptConverter>, text: &'t str) -> Cow<'t, str> {
    converter.as_ref().map_or(Cow::Borrowed(text), |converter| Cow::Owned(converted(converter, text)))
}

fn converted(converter: &ScriptConverter, text: &str) -> String {
    let mut converted = String::with_capacity(text.len());
    converter.convert(text, &mut converted);
    converted
}

/// Whether a text has a number of words within a range.
fn has_words(text: &str, range: Option<[usize; 2]>) -> bool {
    range.is_none_or(|[least, most]| (least..=most).contains(&text.split(' ').count()))
}

/// One label, if all are the same.
fn join(labels: impl IntoIterator<Item = Option<Label>>) -> Verdict {
    let mut labels = labels.into_iter();
    let Some(first) = labels.next() else { return Verdict::Unknown };
    if labels.any(|label| label != first) { Verdict::Conflict } else { first.map_or(Verdict::NoLabel, Verdict::Label) }
}

fn parse(to_rules: &Option<ScriptConverter>, pattern: &str, has_name: bool) -> Pattern {
    Pattern::parse(&convert_by(to_rules, pattern), has_name).expect("patterns were checked when the file was read")
}

/// An entry of a list with capitals, where its file has none: `ada`, as lists of names have them.
fn capitalise(entry: &str) -> String {
    if entry.contains(char::is_uppercase) {
        return entry.to_owned();
    }
    entry.split(' ').map(capitalise_first).collect::<Vec<_>>().join(" ")
}

fn capitalise_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

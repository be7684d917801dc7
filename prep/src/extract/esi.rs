//! Stage 1: every link to an article is an answer, one label; later mentions of what is linked too, where they are asked for.

use std::collections::HashMap;
use std::ops::Range;

use schemas::{Origin, Page, Query, Triple};

use super::label::{self, Answer, Block, Counters, Rules, overlaps};
use crate::gazetteer::fold::Folding;
use crate::gazetteer::matcher::Matcher;
use crate::wikitext::{Extractor, title_surface};

/// Fewest chars of what is looked for again.
const MIN_REPEAT: usize = 2;

/// The triples of a page. Counts `sentences`, `anchors` and `repeats`, each to its last one.
pub(super) fn triples(
    page: &Page,
    extractor: &Extractor,
    query: &Query,
    repeat_mentions: bool,
    rules: &Rules,
    counters: &mut Counters,
) -> Vec<(usize, Triple)> {
    let answer = |chars, origin, kind| Answer { chars, label: Some(0), origin, kind, name: None };
    let repeats = repeat_mentions.then(|| Repeats::new(page, extractor));
    let find = |block: &Block<'_>, counters: &mut Counters| {
        let links = block.links(extractor.wiki(), counters);
        let mut answers: Vec<Answer> = links.into_iter().map(|(_, chars)| answer(chars, Origin::Anchor, "anchors")).collect();
        if let Some(repeats) = &repeats {
            answers.extend(repeats.find(block).into_iter().map(|chars| answer(chars, Origin::Repeat, "repeats")));
            answers.sort_unstable_by_key(|answer| answer.chars.start);
        }
        answers
    };
    label::triples(page, std::slice::from_ref(query), rules, counters, find)
}

/// What a page links or is named by, to be found again in its text.
struct Repeats {
    matcher: Matcher,
    /// For each name, from which char of the page on a mention of it is a later one.
    from: Vec<u32>,
}

impl Repeats {
    fn new(page: &Page, extractor: &Extractor) -> Self {
        let title = extractor.shown(title_surface(&page.title));
        let mut from: HashMap<&str, u32> = HashMap::new();
        let long = |name: &&str| name.chars().nth(MIN_REPEAT - 1).is_some();
        // The page says its own title in bold, without a link.
        from.extend(Some(title.as_ref()).filter(long).map(|title| (title, 0)));
        for anchor in page.anchors.iter().filter(|anchor| extractor.wiki().is_article(&anchor.target)) {
            if let Some(name) = Some(anchor.text.as_str()).filter(long) {
                from.entry(name).or_insert(anchor.end);
            }
        }
        let (names, from): (Vec<&str>, Vec<u32>) = from.into_iter().unzip();
        let matcher = Matcher::new(names).expect("the links of a page are far fewer than there is room for");
        Self { matcher, from }
    }

    /// The mentions in a block, in its chars: none overlaps a link, wherever that leads.
    fn find(&self, block: &Block<'_>) -> Vec<Range<u32>> {
        let text = Folding::default().text(block.text);
        let links: Vec<Range<u32>> = block.anchors().map(|(_, chars)| chars).collect();
        let wanted = |chars: &Range<u32>, name: usize| self.from[name] <= block.start + chars.start && !overlaps(chars, &links);
        let found = self.matcher.longest(text.text(), |found| text.chars(&found.bytes).is_some_and(|chars| wanted(&chars, found.name)));
        found.into_iter().filter_map(|found| text.chars(&found.bytes)).collect()
    }
}

//! Stage 1: every link to an article is an answer, one label; later mentions of what is linked too, where they are asked for.

use schemas::RowError;
use schemas::{Origin, Page, Query, SegmentView};

use super::repeats::{Named, Repeats};
use super::sentences::{self, Answer, Counters, Rules, Thing};
use crate::run::work::Triples;
use crate::wikitext::{WikitextExtractor, strip_disambiguator};

/// The triples of a page. Counts `sentences`, `anchors` and `repeats`, each to its last one.
pub(crate) fn triples(
    page: &Page<'_>,
    extractor: &WikitextExtractor,
    query: &Query,
    repeat_mentions: bool,
    rules: &Rules,
    counters: &mut Counters,
    triples: &mut Triples,
) -> Result<(), RowError> {
    let answer = |chars, origin, kind| Answer { chars, label: Some(0), origin, kind, name: None };
    let repeats = repeat_mentions.then(|| repeats(page, extractor));
    let find = |block: &SegmentView<'_>, counters: &mut Counters| {
        let links = sentences::links(block, extractor.wiki(), counters);
        let mut answers: Vec<Answer> = links.into_iter().map(|(_, chars)| answer(chars, Origin::Anchor, Thing::Anchors)).collect();
        if let Some(repeats) = &repeats {
            answers.extend(repeats.find(block).into_iter().map(|(chars, _)| answer(chars, Origin::Repeat, Thing::Repeats)));
            answers.sort_unstable_by_key(|answer| answer.chars.start);
        }
        answers
    };
    sentences::triples(page, std::slice::from_ref(query), rules, counters, find, |_| true, triples)
}

/// The page says its own title in bold, without a link.
fn repeats(page: &Page<'_>, extractor: &WikitextExtractor) -> Repeats {
    let title = extractor.convert_title(strip_disambiguator(&page.title));
    let links = page.anchors.iter().filter(|anchor| extractor.wiki().is_article(&anchor.target));
    let links = links.map(|anchor| Named { text: &anchor.text, from: anchor.end, label: 0 });
    Repeats::new([Named { text: &title, from: 0, label: 0 }].into_iter().chain(links))
}

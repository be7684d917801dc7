//! Boundaries on random texts: without the rules of languages they are those of `sentencex`, and with them both ways to find them agree.

use proptest::prelude::*;
use sentencex::languages::Language;

use super::boundary_finder::BoundaryFinder;
use super::boundary_scanner::BoundaryScanner;
use super::language_rules::LanguageRules;

/// Languages of different rules. Danish and Italian are slow in `sentencex`.
const LANGS: [&str; 13] = ["en", "de", "fr", "fi", "ru", "uk", "kk", "sk", "pt", "zh", "el", "hy", "my"];
const SLOW_LANGS: [&str; 3] = ["it", "da", "ca"];

/// Pieces of text, separated by bars.
const PIECES: &str = concat!(
    " | | | |  |\t|. |. |! |? |.|!|?|...|. .|! .|, |; |: |(|)|[|]|<|>|{|\"|\" | \"|\".|.\"|'|''|'s|' | '| 'a|b' |.' |",
    "('|`|“|”|„|‘|’|«|»|–|—|…|•|−|€|@|a@b.com|\\|1|12|1.|1)|2)|(1)|(2)|(a)|a)|b)|b.)|iv)|ii.|(born 1894)|1894)|3.5|[1]|",
    " [2]|* |- |A|I|The|He|went|it|Dr|Mr|St|etc|e.g|U.S|J|Yahoo|e|p.m|Jan|No|Ö|ö|Кто|ł|ễ|ὀ|é|Ⅳ|→|π|\u{a0}|\u{2009}|☉|",
    "★|†|•|カ|강|ש|ع|؟|۔|հ|是|。|）|\u{37e}|։"
);

/// Pieces of quotes, lists, brackets and addresses.
const MARKS: &str = concat!(
    " | | |. |.|. A|! |?|a|B|.\"|\"|' | ' |'|''|'A|a'|`|` | `a|``|a`|\"A|« |»|‘|’|‚|“|”|‛|„|‟|‹|›|《|》|「|」|(|)|{|]|<|）|（|",
    "1) |2.) |a) |ii) |iv. |(1) |(xi) |(b) |• |★ |a. |- |+ |@|a@b.co|x.y@|.com|.c|_|%|l'|è|ß|é. |! . . |. . . |… |… !|。|！|7 p.m. |Tom "
);

/// The boundaries that `sentencex` finds.
fn expected_boundaries(language: &dyn Language, text: &str) -> Vec<usize> {
    let ends = language.segment(text).into_iter().scan(0, |end, sentence| {
        *end += sentence.len();
        Some(*end)
    });
    ends.filter(|&end| end < text.len()).collect()
}

fn check(text: &str, langs: &[&str]) -> Result<(), TestCaseError> {
    let (mut scanner, mut finder, mut found) = (BoundaryScanner::default(), BoundaryFinder::default(), Vec::new());
    for lang in langs {
        let (rules, expected) = (LanguageRules::of_library(lang), expected_boundaries(&*sentencex::language_factory(lang), text));
        finder.find_boundaries(&rules, text, &mut found);
        prop_assert_eq!(&found, &expected, "{} {:?}", lang, text);
        if scanner.find_boundaries(&rules, text, &mut found) {
            prop_assert_eq!(&found, &expected, "scanner, {} {:?}", lang, text);
        }
        let rules = LanguageRules::new(lang);
        finder.find_boundaries(&rules, text, &mut found);
        prop_assert!(found.is_sorted_by(|a, b| a < b) && found.iter().all(|&boundary| text.is_char_boundary(boundary)));
        let mut scanned = Vec::new();
        if scanner.find_boundaries(&rules, text, &mut scanned) {
            prop_assert_eq!(&found, &scanned, "{} {:?}", lang, text);
        }
    }
    Ok(())
}

fn text_of(pieces: &'static str, most: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(pieces.split('|').collect::<Vec<_>>()), 1..most).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn boundaries_are_those_of_sentencex(text in text_of(PIECES, 24), marks in text_of(MARKS, 40)) {
        check(&text, &LANGS)?;
        check(&marks, &LANGS)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    /// `sentencex` searches many ranges otherwise than few.
    #[test]
    fn boundaries_of_long_texts_are_those_of_sentencex(text in text_of(PIECES, 800), marks in text_of(MARKS, 1000)) {
        check(&text, &LANGS)?;
        check(&marks, &LANGS)?;
    }

    #[test]
    fn boundaries_without_regular_expressions_are_those_of_sentencex(text in text_of(PIECES, 24), marks in text_of(MARKS, 40)) {
        check(&text, &SLOW_LANGS)?;
        check(&marks, &SLOW_LANGS)?;
    }
}

#[test]
fn ordinary_texts_use_the_fast_path() {
    let (mut scanner, mut found) = (BoundaryScanner::default(), Vec::new());
    let rules = LanguageRules::new("en");
    for (text, expected) in [
        ("Dr. Smith (born 1894) came. He left at 5 p.m. today.", &[28][..]),
        ("It's “over”, she said. \"Not yet\", he said. No!", &[27, 47]),
        ("She said \"No. Yes.\" Then \"why?\" he asked.", &[20]),
        ("It (no. C) ended. So", &[18]),
        ("A 'no. One' is. It's Bob's", &[16]),
        ("Bob's boys' 'no.' They say", &[18]),
        ("\"Go. Now\" he\" said", &[]),
        ("No end", &[]),
    ] {
        assert!(scanner.find_boundaries(&rules, text, &mut found), "{text}");
        assert_eq!(found, expected, "{text}");
    }
    for text in ["Well. ' A", "1. One 2) Two", "a) One b) Two", "Go.\" Now", "是。否", "One.\nTwo"] {
        assert!(!scanner.find_boundaries(&rules, text, &mut found), "{text}");
    }
    assert!(!scanner.find_boundaries(&LanguageRules::new("el"), "One. Two", &mut found));
}

#[test]
fn long_texts_without_spaces_have_the_boundaries_of_short_ones() {
    let (mut finder, mut found) = (BoundaryFinder::default(), Vec::new());
    for (lang, unit) in [("zh", "好。"), ("zh", "“好。"), ("en", "a!B"), ("ja", "「あ。」い"), ("hy", "ա։"), ("it", "è!"), ("kk", "Ж!")]
    {
        let (rules, text) = (LanguageRules::of_library(lang), unit.repeat(2000));
        finder.find_boundaries(&rules, &text, &mut found);
        assert_eq!(found, expected_boundaries(&*sentencex::language_factory(lang), &text), "{lang} {unit}");
    }
}

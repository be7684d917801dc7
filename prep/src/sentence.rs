//! Text to sentences, by char offset. The boundaries are those of `sentencex`; what is added here keeps answers and limits whole.

use std::ops::Range;

/// Splits a block's text into sentences. Offsets are chars of `text`, without white space at either end.
///
/// A boundary inside one of `spans` (ascending, not overlapping) is no boundary. Sentences longer than `max_chars` are split between
/// clauses or else between words, never inside a span; one that has no such place stays long.
pub fn split(lang: &str, text: &str, spans: &[Range<u32>], max_chars: usize) -> Vec<Range<u32>> {
    let chars = Chars::of(text);
    let inside = |at: usize| {
        let next = spans.partition_point(|span| span.end as usize <= at);
        spans.get(next).is_some_and(|span| (span.start as usize) < at)
    };
    let mut out = Vec::new();
    let mut start = 0;
    if !is_one(text) {
        let mut boundaries: Vec<usize> = sentencex::get_sentence_boundaries(lang, text).iter().map(|boundary| boundary.end_index).collect();
        if let Chars::Any(chars) = &chars {
            boundaries.extend(before_latin(chars));
            boundaries.sort_unstable();
        }
        for boundary in boundaries {
            let end = chars.closing_quotes(boundary.min(chars.len()));
            if end > start && !inside(end) {
                shorten(&chars, chars.trim(start..end), max_chars, &inside, &mut out);
                start = end;
            }
        }
    }
    if start < chars.len() {
        shorten(&chars, chars.trim(start..chars.len()), max_chars, &inside, &mut out);
    }
    out
}

/// Whether nothing stands before the end of a text at which `sentencex` could part it, in any language: neither what ends sentences nor the
/// bracket of a list's number. Half of all blocks are like that, and it costs much more to ask.
fn is_one(text: &str) -> bool {
    // Chars from U+0540 on, Armenian and all that follow it, begin with such bytes.
    let may_part = |byte: &u8| matches!(byte, b'.' | b'!' | b'?' | b';' | b':' | b')' | b'\n') || *byte >= 0xd5;
    let text = text.trim_end_matches(['.', '!', '?']);
    !text.as_bytes().iter().any(may_part)
}

/// Ends of Chinese and Japanese sentences before a digit or a small Latin letter, where `sentencex` sees none: full stops of these
/// scripts mark no abbreviations. Those inside quotes and brackets are left to it.
fn before_latin(chars: &[char]) -> Vec<usize> {
    let mut depth = 0u32;
    let mut ends = Vec::new();
    for (at, c) in chars.iter().enumerate() {
        match c {
            '“' | '「' | '『' | '（' | '(' | '《' | '【' => depth += 1,
            '”' | '」' | '』' | '）' | ')' | '》' | '】' => depth = depth.saturating_sub(1),
            '。' | '！' | '？'
                if depth == 0 && chars.get(at + 1).is_some_and(|next| next.is_ascii_digit() || next.is_ascii_lowercase()) =>
            {
                ends.push(at + 1);
            }
            _ => {}
        }
    }
    ends
}

/// A text by chars.
enum Chars<'t> {
    Ascii(&'t [u8]),
    Any(Vec<char>),
}

impl<'t> Chars<'t> {
    fn of(text: &'t str) -> Self {
        if text.is_ascii() { Self::Ascii(text.as_bytes()) } else { Self::Any(text.chars().collect()) }
    }

    fn len(&self) -> usize {
        match self {
            Self::Ascii(bytes) => bytes.len(),
            Self::Any(chars) => chars.len(),
        }
    }

    fn at(&self, at: usize) -> char {
        match self {
            Self::Ascii(bytes) => char::from(bytes[at]),
            Self::Any(chars) => chars[at],
        }
    }

    /// A closing quote or bracket right after a boundary belongs to the sentence before it.
    fn closing_quotes(&self, mut end: usize) -> usize {
        let Self::Any(chars) = self else { return end };
        while chars.get(end).is_some_and(|c| matches!(c, '”' | '’' | '」' | '』' | '）' | '》' | '】')) {
            end += 1;
        }
        end
    }

    fn trim(&self, mut range: Range<usize>) -> Range<usize> {
        while range.start < range.end && self.at(range.start).is_whitespace() {
            range.start += 1;
        }
        while range.start < range.end && self.at(range.end - 1).is_whitespace() {
            range.end -= 1;
        }
        range
    }
}

fn shorten(chars: &Chars<'_>, mut rest: Range<usize>, max_chars: usize, inside: &impl Fn(usize) -> bool, out: &mut Vec<Range<u32>>) {
    let offset = |at: usize| u32::try_from(at).expect("a page is under 4 GiB");
    while rest.len() > max_chars {
        let window = rest.start + 1..=rest.start + max_chars;
        let last = |good: fn(char) -> bool| window.clone().rev().find(|&at| good(chars.at(at - 1)) && !inside(at));
        let clause = |c: char| matches!(c, ';' | ',' | ':' | '；' | '，' | '：' | '、' | '。' | '—' | ')' | '）');
        // Far to the left a clause's border makes crumbs: then a word's border near the limit is better.
        let cut = last(clause).filter(|&at| at - rest.start > max_chars / 4).or_else(|| last(char::is_whitespace));
        let beyond = || (rest.start + max_chars + 1..rest.end).find(|&at| chars.at(at - 1).is_whitespace() && !inside(at));
        let Some(cut) = cut.or_else(beyond) else { break };
        let piece = chars.trim(rest.start..cut);
        if !piece.is_empty() {
            out.push(offset(piece.start)..offset(piece.end));
        }
        rest = chars.trim(cut..rest.end);
    }
    if !rest.is_empty() {
        out.push(offset(rest.start)..offset(rest.end));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(lang: &str, text: &str, span: Range<u32>, max_chars: usize, expected: &[&str]) {
        let chars: Vec<char> = text.chars().collect();
        let spans: Vec<Range<u32>> = if span.is_empty() { vec![] } else { vec![span] };
        let found: Vec<String> = split(lang, text, &spans, max_chars)
            .into_iter()
            .map(|sentence| chars[sentence.start as usize..sentence.end as usize].iter().collect())
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn sentences() {
        check("en", "Dr. Smith came. He left at 5 p.m. today.", 0..0, 400, &["Dr. Smith came.", "He left at 5 p.m. today."]);
        check("zh", "他说：“好。”然后走了。真的吗？是！", 0..0, 400, &["他说：“好。”", "然后走了。", "真的吗？", "是！"]);
        check("zh", "我來了。」他說「走吧！」", 0..0, 400, &["我來了。」", "他說「走吧！」"]);
        check("zh", "文明。14世纪（见上。3）后，《甲。2》。乙", 0..0, 400, &["文明。", "14世纪（见上。3）后，《甲。2》。", "乙"]);
        check("en", "", 0..0, 400, &[]);
    }

    /// What is taken for one sentence without asking is one when asked for.
    #[test]
    fn what_is_one_sentence_is_not_parted() {
        for lang in ["en", "de", "el", "hy", "ru", "kk", "zh", "ja", "fr", "xx"] {
            for text in
                ["Mr", "A list item", "* a - b", "1 The first", "café “x", "I am. . .", "What?!", "Кто", "a \"b\" 'c' (d", "Yes!", "", "x."]
            {
                let whole = sentencex::get_sentence_boundaries(lang, text).len() <= 1;
                assert!(whole || !is_one(text), "{lang} {text}");
            }
        }
        assert!(is_one("A list item") && is_one("Well, it ends.") && is_one("Ödön and Žofia"));
        assert!(!is_one("One. Two") && !is_one("a) b") && !is_one("是。否") && !is_one("Այո։ Ոչ") && !is_one("Ναι; Οχι"));
    }

    #[test]
    fn a_boundary_inside_an_answer_is_none() {
        check("en", "He saw Yes! Alone yesterday. Then he slept.", 7..17, 400, &["He saw Yes! Alone yesterday.", "Then he slept."]);
    }

    #[test]
    fn long_sentences_are_split_between_words() {
        check("en", "one two three, four five", 0..0, 16, &["one two three,", "four five"]);
        check("en", "one two three four", 4..18, 10, &["one", "two three four"]);
        check("en", "abcdefghijkl", 0..0, 5, &["abcdefghijkl"]);
    }
}

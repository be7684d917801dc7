//! Text to sentences, by char offset. The boundaries are those of `sentencex`; what is added here keeps answers and limits whole.

use std::ops::Range;

/// Splits a block's text into sentences. Offsets are chars of `text`, without white space at either end.
///
/// A boundary inside one of `spans` (ascending, not overlapping) is no boundary. Sentences longer than `max_chars` are split between
/// clauses or else between words, never inside a span; one that has no such place stays long.
pub fn split(lang: &str, text: &str, spans: &[Range<u32>], max_chars: usize) -> Vec<Range<u32>> {
    let chars: Vec<char> = text.chars().collect();
    let mut sentences: Vec<Range<usize>> = Vec::new();
    let inside = |at: usize| {
        let next = spans.partition_point(|span| span.end as usize <= at);
        spans.get(next).is_some_and(|span| (span.start as usize) < at)
    };
    let mut boundaries: Vec<usize> = sentencex::get_sentence_boundaries(lang, text).iter().map(|boundary| boundary.end_index).collect();
    boundaries.extend(before_latin(&chars));
    boundaries.sort_unstable();
    let mut start = 0;
    for boundary in boundaries {
        let end = closing_quotes(&chars, boundary.min(chars.len()));
        if end > start && !inside(end) {
            sentences.push(start..end);
            start = end;
        }
    }
    if start < chars.len() {
        sentences.push(start..chars.len());
    }
    let mut out = Vec::with_capacity(sentences.len());
    for sentence in sentences {
        shorten(&chars, trim(&chars, sentence), max_chars, &inside, &mut out);
    }
    out
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

/// A closing quote or bracket right after a boundary belongs to the sentence before it.
fn closing_quotes(chars: &[char], mut end: usize) -> usize {
    while chars.get(end).is_some_and(|c| matches!(c, '”' | '’' | '」' | '』' | '）' | '》' | '】')) {
        end += 1;
    }
    end
}

fn trim(chars: &[char], mut range: Range<usize>) -> Range<usize> {
    while range.start < range.end && chars[range.start].is_whitespace() {
        range.start += 1;
    }
    while range.start < range.end && chars[range.end - 1].is_whitespace() {
        range.end -= 1;
    }
    range
}

fn shorten(chars: &[char], mut rest: Range<usize>, max_chars: usize, inside: &impl Fn(usize) -> bool, out: &mut Vec<Range<u32>>) {
    let offset = |at: usize| u32::try_from(at).expect("a page is under 4 GiB");
    while rest.len() > max_chars {
        let window = rest.start + 1..=rest.start + max_chars;
        let last = |good: fn(char) -> bool| window.clone().rev().find(|&at| good(chars[at - 1]) && !inside(at));
        let clause = |c: char| matches!(c, ';' | ',' | ':' | '；' | '，' | '：' | '、' | '。' | '—' | ')' | '）');
        // Far to the left a clause's border makes crumbs: then a word's border near the limit is better.
        let cut = last(clause).filter(|&at| at - rest.start > max_chars / 4).or_else(|| last(char::is_whitespace));
        let beyond = || (rest.start + max_chars + 1..rest.end).find(|&at| chars[at - 1].is_whitespace() && !inside(at));
        let Some(cut) = cut.or_else(beyond) else { break };
        let piece = trim(chars, rest.start..cut);
        if !piece.is_empty() {
            out.push(offset(piece.start)..offset(piece.end));
        }
        rest = trim(chars, cut..rest.end);
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

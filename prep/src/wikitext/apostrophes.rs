//! Bold and italics: `'''` and `''`, by MediaWiki's own algorithm, which works line by line and repairs unbalanced markup.

/// A run of apostrophes that is markup, without those before it that are text.
struct QuoteRun {
    /// Index of the first byte.
    at: usize,
    /// 2 for italics, 3 for bold, 5 for both.
    length: usize,
}

/// Calls `text` with each part of a line between quote markup, in order. Apostrophes that are text are in these parts.
pub(super) fn split_at_quote_markup<'a>(line: &'a str, mut text: impl FnMut(&'a str)) {
    let runs = find_runs(line);
    let mut from = 0;
    for run in runs {
        text(&line[from..run.at]);
        from = run.at + run.length;
    }
    text(&line[from..]);
}

fn find_runs(line: &str) -> Vec<QuoteRun> {
    let bytes = line.as_bytes();
    let mut runs = Vec::new();
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'\'', &bytes[at..]) {
        let start = at + found;
        if bytes.get(start + 1) != Some(&b'\'') {
            at = start + 1;
            continue;
        }
        let length = bytes[start..].iter().take_while(|&&byte| byte == b'\'').count();
        // Four are an apostrophe and bold. Of more than five, only the last five are markup.
        let markup = match length {
            4 => 3,
            6.. => 5,
            _ => length,
        };
        at = start + length;
        runs.push(QuoteRun { at: at - markup, length: markup });
    }
    let bold = runs.iter().filter(|run| run.length != 2).count();
    let italic = runs.iter().filter(|run| run.length != 3).count();
    if bold % 2 == 1 && italic % 2 == 1 {
        repair(line, &mut runs);
    }
    runs
}

/// If both bold and italics are unbalanced, one `'''` is an apostrophe before `''`: preferably one after a single-letter word, else one
/// after another word, else one after a space.
fn repair(line: &str, runs: &mut [QuoteRun]) {
    let (mut single_letter, mut word, mut space) = (None, None, None);
    for (index, run) in runs.iter().enumerate().filter(|(_, run)| run.length == 3) {
        let mut before = line[..run.at].chars().rev();
        let (last, second) = (before.next(), before.next());
        let slot = match (last, second) {
            (Some(' '), _) => &mut space,
            (_, Some(' ')) => &mut single_letter,
            _ => &mut word,
        };
        slot.get_or_insert(index);
    }
    if let Some(run) = single_letter.or(word).or(space).map(|index| &mut runs[index]) {
        run.at += 1;
        run.length = 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quote_markup_is_removed() {
        for (line, expected) in [
            ("plain", "plain"),
            ("''a'' '''b''' '''''c'''''", "a b c"),
            ("it's Bob's", "it's Bob's"),
            ("l''''amour'''", "l'amour"),
            ("''''''six''''''", "'six'"),
            ("'''bold and ''italic''", "bold and italic"),
            ("open ''italic", "open italic"),
            ("l'''''amour'' '' x", "lamour  x"),
            ("a '''b'' l'''c''' d", "a b l'c d"),
            ("''", ""),
        ] {
            let mut out = String::new();
            split_at_quote_markup(line, |part| out.push_str(part));
            assert_eq!(out, expected, "{line}");
        }
    }
}

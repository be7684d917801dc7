//! Apostrophes of bold and italics, by MediaWiki's own algorithm: line by line, unbalanced ones repaired.

/// A run of apostrophes, after what is no markup was taken off.
struct Run {
    /// Where the markup begins.
    at: usize,
    /// 2 italics, 3 bold, 5 both.
    length: usize,
}

/// Calls `text` with each piece of the line between markup, in order. Apostrophes that are text are in the pieces.
pub(super) fn strip<'a>(line: &'a str, mut text: impl FnMut(&'a str)) {
    let runs = find(line);
    let mut from = 0;
    for run in runs {
        text(&line[from..run.at]);
        from = run.at + run.length;
    }
    text(&line[from..]);
}

fn find(line: &str) -> Vec<Run> {
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
        // Four are an apostrophe and bold; of more than five, the first ones are text.
        let markup = match length {
            4 => 3,
            6.. => 5,
            _ => length,
        };
        at = start + length;
        runs.push(Run { at: at - markup, length: markup });
    }
    let bold = runs.iter().filter(|run| run.length != 2).count();
    let italic = runs.iter().filter(|run| run.length != 3).count();
    if bold % 2 == 1 && italic % 2 == 1 {
        repair(line, &mut runs);
    }
    runs
}

/// Both are unbalanced: one bold was an apostrophe before italics.
fn repair(line: &str, runs: &mut [Run]) {
    let (mut single, mut multi, mut space) = (None, None, None);
    for (index, run) in runs.iter().enumerate().filter(|(_, run)| run.length == 3) {
        let mut before = line[..run.at].chars().rev();
        let (last, second) = (before.next(), before.next());
        let slot = match (last, second) {
            (Some(' '), _) => &mut space,
            (_, Some(' ')) => &mut single,
            _ => &mut multi,
        };
        slot.get_or_insert(index);
    }
    if let Some(run) = single.or(multi).or(space).map(|index| &mut runs[index]) {
        run.at += 1;
        run.length = 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
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
            strip(line, |piece| out.push_str(piece));
            assert_eq!(out, expected, "{line}");
        }
    }
}

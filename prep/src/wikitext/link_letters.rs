//! The letters beside a link that belong to its text: link trails, as in `[[cat]]s`, and link prefixes, as in `ال[[قاهرة]]`.

/// Letters of a pattern such as `a-zäöü`: `a-z` is a range, `-` at the start a hyphen, and `@` any letter.
#[derive(Debug, Clone, Default)]
pub(super) struct LinkLetters {
    ranges: Vec<(char, char)>,
    has_all_letters: bool,
}

impl LinkLetters {
    pub fn new(pattern: &str) -> Self {
        let chars: Vec<char> = pattern.chars().collect();
        let mut letters = Self::default();
        let mut at = 0;
        while at < chars.len() {
            match (chars[at], chars.get(at + 1), chars.get(at + 2)) {
                (first, Some('-'), Some(&last)) => {
                    letters.ranges.push((first, last));
                    at += 3;
                    continue;
                }
                ('@', ..) => letters.has_all_letters = true,
                (letter, ..) => letters.ranges.push((letter, letter)),
            }
            at += 1;
        }
        letters
    }

    fn contains(&self, c: char) -> bool {
        self.ranges.iter().any(|&(first, last)| (first..=last).contains(&c)) || (self.has_all_letters && c.is_alphabetic())
    }

    /// Number of bytes at the start of `text` that belong to the link before it.
    pub fn length_at_start(&self, text: &str) -> usize {
        // In some languages the apostrophe is part of the trail, but two are quote markup in every language.
        let is_end = |&(at, letter): &(usize, char)| !self.contains(letter) || text[at..].starts_with("''");
        text.char_indices().find(is_end).map_or(text.len(), |(at, _)| at)
    }

    /// Number of bytes at the end of `text` that belong to the link after it.
    pub fn length_at_end(&self, text: &str) -> usize {
        if self.ranges.is_empty() && !self.has_all_letters {
            return 0;
        }
        text.chars().rev().take_while(|&c| self.contains(c)).map(char::len_utf8).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_read() {
        for (pattern, text, at_start, at_end) in [
            ("a-z", "ab c", 2, 1),
            ("a-zé", "éa é", 3, 2),
            ("-a", "-a-b", 3, 0),
            ("@«", "«دé 1", 6, 0),
            ("@", "a дом", 1, 6),
            ("a'", "a'a''b", 3, 0),
            ("", "a", 0, 0),
        ] {
            let letters = LinkLetters::new(pattern);
            assert_eq!((letters.length_at_start(text), letters.length_at_end(text)), (at_start, at_end), "{pattern} {text}");
        }
    }
}

//! Matches the double brackets of links by depth.

/// All `[[` of a text in ascending order, with the `]]` that closes each of them.
pub(super) struct BracketPairs {
    pairs: Vec<BracketPair>,
    /// Index of the next pair to look up: look-ups are in ascending order.
    next: usize,
}

/// A `[[` and its `]]`.
#[derive(Clone, Copy)]
pub(super) struct BracketPair {
    /// Offset of `[[`.
    open: usize,
    /// Offset of `]]`, unless the bracket is not closed.
    pub close: Option<usize>,
    /// Whether another `[[` lies inside.
    pub is_nested: bool,
}

impl BracketPairs {
    /// Finds the brackets of a text in linear time.
    pub fn find(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut pairs: Vec<BracketPair> = Vec::new();
        // Indices of the pairs that are open.
        let mut stack: Vec<usize> = Vec::new();
        let mut at = 0;
        while let Some(found) = memchr::memchr2(b'[', b']', &bytes[at..]) {
            at += found;
            if bytes.get(at + 1) != Some(&bytes[at]) {
                at += 1;
                continue;
            }
            if bytes[at] == b'[' {
                if let Some(&outer) = stack.last() {
                    pairs[outer].is_nested = true;
                }
                stack.push(pairs.len());
                pairs.push(BracketPair { open: at, close: None, is_nested: false });
            } else if let Some(inner) = stack.pop() {
                pairs[inner].close = Some(at);
            }
            at += 2;
        }
        Self { pairs, next: 0 }
    }

    /// The pair whose `[[` lies at an offset. Offsets of successive calls must not decrease.
    pub fn at(&mut self, open: usize) -> BracketPair {
        while self.pairs.get(self.next).is_some_and(|pair| pair.open < open) {
            self.next += 1;
        }
        let unclosed = BracketPair { open, close: None, is_nested: false };
        self.pairs.get(self.next).filter(|pair| pair.open == open).copied().unwrap_or(unclosed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_are_matched_by_depth() {
        let mut pairs = BracketPairs::find("[[a|[[b]] c]] [[d");
        let found: Vec<_> = [0, 4, 14].map(|open| pairs.at(open)).iter().map(|pair| (pair.close, pair.is_nested)).collect();
        assert_eq!(found, [(Some(11), true), (Some(7), false), (None, false)]);
    }
}

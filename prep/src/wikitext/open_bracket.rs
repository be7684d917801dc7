//! Brackets that the first pass has opened and not closed yet.

/// A bracket that is open.
pub(super) struct Frame {
    pub bracket: Bracket,
    /// Offset of its first char in the output.
    pub start: usize,
    /// Opening chars that are not matched yet: 2 or more.
    pub count: usize,
    /// Offsets of its pipes in the output.
    pub pipes: Vec<usize>,
    /// For each pipe, the offset of the first `=` after it.
    pub equals: Vec<Option<usize>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Bracket {
    /// `{{` or `{{{`
    Braces,
    /// `[[` inside of braces, whose pipes do not separate arguments of the template.
    Link,
    /// `-{`
    Variant,
}

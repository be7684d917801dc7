//! A conversion rule that a page defines by `-{H|…}-` or `{{noteTA}}`.

/// Replacements that become active, or inactive, at a marker of the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ConversionRule {
    /// What is replaced, and by what.
    pub pairs: Vec<(String, String)>,
    /// `false`: the replacements become inactive.
    pub activates: bool,
}

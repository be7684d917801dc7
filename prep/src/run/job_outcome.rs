//! What a job comes to.

use schemas::Manifest;

use crate::gazetteer::coverage::CoverageReport;

/// What came of a job whose inputs were read to their end, or to a fault.
pub struct JobOutcome {
    /// The manifest of the output folder.
    pub manifest: Manifest,
    /// How the gazetteer covers the text.
    pub coverage: Option<CoverageReport>,
    /// The fault that ended the job before the end of its inputs.
    pub fatal: Option<String>,
}

//! The heads of a model by the names of their parameters, and which of them a file must hold.

/// Prefix of the names of the head for pseudo-labels.
pub const CLUSTER_HEAD_PREFIX: &str = "cluster_classify.";

/// Prefix of the names of the span head.
pub(super) const SPAN_HEAD_PREFIX: &str = "span_embedding.";

/// Which heads a file must hold. A head that it may lack gets random weights where the file has none of its tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequiredHeads {
    /// All heads of the model: the file is a checkpoint of it.
    All,
    /// Those for starts and ends: the file is a model of another stage.
    Boundary,
    /// None: the file is a pre-trained encoder.
    None,
}

impl RequiredHeads {
    /// Whether a head may have random weights.
    pub(super) fn may_lack(self, head: &str) -> bool {
        match self {
            Self::All => false,
            Self::Boundary => head == SPAN_HEAD_PREFIX || head == CLUSTER_HEAD_PREFIX,
            Self::None => true,
        }
    }
}

/// The head that a parameter belongs to; the heads for starts and ends count as one.
pub(super) fn head_of(name: &str) -> Option<&'static str> {
    let boundary = (name.starts_with("start_outputs.") || name.starts_with("end_outputs.")).then_some("_outputs.");
    boundary.or_else(|| [SPAN_HEAD_PREFIX, CLUSTER_HEAD_PREFIX].into_iter().find(|head| name.starts_with(head)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_may_be_random_unless_the_file_must_hold_it() {
        let check = |name: &str, expected: [bool; 3]| {
            let head = head_of(name).unwrap();
            assert_eq!(
                [RequiredHeads::All, RequiredHeads::Boundary, RequiredHeads::None].map(|required| required.may_lack(head)),
                expected
            );
        };
        check("start_outputs.weight", [false, false, true]);
        check("end_outputs.bias", [false, false, true]);
        check("span_embedding.classifier1.weight", [false, true, true]);
        check("cluster_classify.weight", [false, true, true]);
        assert_eq!(head_of("bert.embeddings.word_embeddings.weight"), None);
    }
}

//! Settings of the stages where the user gives none: those of the reference, or those that were measured to give more.

use serde::{Deserialize, Serialize};

use super::settings::RelabelMode;
use crate::decode::Decoding;

/// A set of defaults for all stages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Recipe {
    /// Those of Xue et al. (EMNLP 2020) and their code.
    #[default]
    Reference,
    /// Those that gave most on sentences of Wikipedia, with an encoder of 6 layers of width 384: see `train/benches/README.md`.
    Tuned,
}

/// Settings that differ by stage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StageDefaults {
    /// Peak learning rate.
    pub lr: f64,
    /// Passes over the training set.
    pub epochs: usize,
    /// Fraction of the steps in which the learning rate rises to its peak.
    pub warmup: f64,
    /// Steps between two evaluations on dev.
    pub eval_every: usize,
}

impl Recipe {
    /// The defaults of stage 1.
    pub fn esi(self) -> StageDefaults {
        self.choose(defaults(6e-6, 5, 0.0, 20_000), defaults(5e-5, 1, 0.1, 20_000))
    }

    /// The defaults of stage 2.
    pub fn nee(self) -> StageDefaults {
        self.choose(defaults(3e-5, 6, 0.4, 4000), defaults(5e-5, 2, 0.1, 4000))
    }

    /// The defaults of stage 3.
    pub fn fet(self) -> StageDefaults {
        self.choose(defaults(2e-5, 5, 0.1, 2000), defaults(2e-5, 1, 0.1, 2000))
    }

    /// The defaults of stage 4 from the weights of an earlier stage.
    pub fn finetune(self) -> StageDefaults {
        self.choose(defaults(3e-5, 25, 0.0, 100), defaults(5e-5, 10, 0.1, 100))
    }

    /// The defaults of stage 4 from an encoder, which has everything to learn.
    pub fn finetune_encoder(self) -> StageDefaults {
        self.choose(self.finetune(), defaults(1e-4, 15, 0.1, 100))
    }

    /// What a round of stage 2 does with the answers of the training set.
    pub fn relabel(self) -> RelabelMode {
        self.choose(RelabelMode::Replace, RelabelMode::Keep)
    }

    /// Whether each round of stage 2 trains the weights that training began with.
    pub fn restarts(self) -> bool {
        self.choose(false, true)
    }

    /// Which end a start takes.
    pub fn decoding(self) -> Decoding {
        self.choose(Decoding::Nearest, Decoding::Likeliest)
    }

    fn choose<T>(self, reference: T, tuned: T) -> T {
        match self {
            Self::Reference => reference,
            Self::Tuned => tuned,
        }
    }
}

fn defaults(lr: f64, epochs: usize, warmup: f64, eval_every: usize) -> StageDefaults {
    StageDefaults { lr, epochs, warmup, eval_every }
}

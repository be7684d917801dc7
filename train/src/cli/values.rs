//! What options with named values accept: the domain's enums, as clap shows and parses them.

use clap::ValueEnum;
use clap::builder::PossibleValue;

use crate::cluster::kmeans;
use crate::config::BenchModel;
use crate::decode::Decoding;
use crate::kernels::Precision;
use crate::model::Pooling;
use crate::stage::Recipe;
use crate::stage::settings::{ClusterHeadUpdate, ClusterMethod, RelabelMode};

/// Implements [`ValueEnum`] for an enum: each variant with its name and help.
macro_rules! value_enum {
    ($type:ty { $($variant:ident => $name:literal, $help:literal;)+ }) => {
        impl ValueEnum for $type {
            fn value_variants<'a>() -> &'a [Self] {
                &[$(Self::$variant),+]
            }

            fn to_possible_value(&self) -> Option<PossibleValue> {
                Some(match self {
                    $(Self::$variant => PossibleValue::new($name).help($help)),+
                })
            }
        }
    };
}

value_enum!(Precision {
    F32 => "f32", "32 bits; on a GPU, without its tensor cores";
    Tf32 => "tf32", "32 bits, of which a GPU's tensor cores see 10 of the fraction; elsewhere as f32";
    Bf16 => "bf16", "bfloat16 operands of matrix products, f32 sums; on the CPU faster than f32 where it has AVX512-BF16";
});

value_enum!(Pooling {
    Sum => "sum", "Their sum";
    Mean => "mean", "Their mean";
    Max => "max", "The largest value of each dimension";
});

value_enum!(kmeans::Seeding {
    PlusPlus => "plus-plus", "k-means++: each drawn with a probability that grows with the squared distance from those drawn before";
    Random => "random", "Random answers";
});

value_enum!(Decoding {
    Nearest => "nearest", "The nearest, as BERT-MRC does";
    Likeliest => "likeliest", "The one with the highest probability";
});

value_enum!(Recipe {
    Reference => "reference", "Those of the paper's code";
    Tuned => "tuned", "Those that gave most on sentences of Wikipedia: higher learning rates, fewer epochs, likeliest ends, self-training on --unlabelled";
});

value_enum!(RelabelMode {
    Replace => "replace", "The model's answers replace them";
    Union => "union", "They stay, and the model's answers that overlap none of them are added";
    Keep => "keep", "They stay as they are: rounds differ by --unlabelled alone";
});

value_enum!(ClusterMethod {
    Kmeans => "kmeans", "k-means";
    Pic => "pic", "Power iteration clustering on a graph of nearest neighbours";
});

value_enum!(ClusterHeadUpdate {
    Align => "align", "The head stays; each cluster gets the number of the former cluster that it overlaps most";
    Reset => "reset", "The head gets new random weights";
});

value_enum!(BenchModel {
    Base => "base", "12 layers, 768 wide";
    Mini => "mini", "6 layers, 384 wide";
});

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Serialize;

    /// Files (`run.toml`, the file of `train pipeline`) use the names of the command line.
    fn check<T: ValueEnum + Serialize>() {
        for value in T::value_variants() {
            let on_command_line = value.to_possible_value().unwrap();
            let in_files = serde_json::to_value(value).unwrap();
            assert_eq!(in_files, on_command_line.get_name());
        }
    }

    #[test]
    fn values_have_the_same_names_in_files() {
        check::<Precision>();
        check::<Pooling>();
        check::<kmeans::Seeding>();
        check::<Recipe>();
        check::<RelabelMode>();
        check::<ClusterMethod>();
        check::<ClusterHeadUpdate>();
    }
}

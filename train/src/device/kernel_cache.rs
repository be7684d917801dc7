//! Where compiled and tuned kernels are kept between runs.

use std::path::{Path, PathBuf};
use std::sync::Once;

use cubecl::config::cache::CacheConfig;
use cubecl::config::{CubeClRuntimeConfig, RuntimeConfig};

use super::TUNED_FOLDER;

/// Sources of the kernels of this program, all files of `kernels/cube` and its folders. CubeCL knows a compiled kernel by its name and arguments.
const SOURCES: [(&str, &str); 23] = [
    ("adamw.rs", include_str!("../kernels/cube/adamw.rs")),
    ("all_reduce.rs", include_str!("../kernels/cube/all_reduce.rs")),
    ("attention.rs", include_str!("../kernels/cube/attention.rs")),
    ("backend.rs", include_str!("../kernels/cube/backend.rs")),
    ("burn_backend.rs", include_str!("../kernels/cube/burn_backend.rs")),
    ("dropout.rs", include_str!("../kernels/cube/dropout.rs")),
    ("embedding.rs", include_str!("../kernels/cube/embedding.rs")),
    ("encoder_layer.rs", include_str!("../kernels/cube/encoder_layer.rs")),
    ("flash_attention/backward.rs", include_str!("../kernels/cube/flash_attention/backward.rs")),
    ("flash_attention/forward.rs", include_str!("../kernels/cube/flash_attention/forward.rs")),
    ("flash_attention/mod.rs", include_str!("../kernels/cube/flash_attention/mod.rs")),
    ("flash_attention/tiles.rs", include_str!("../kernels/cube/flash_attention/tiles.rs")),
    ("gelu.rs", include_str!("../kernels/cube/gelu.rs")),
    ("kmeans.rs", include_str!("../kernels/cube/kmeans.rs")),
    ("label_loss.rs", include_str!("../kernels/cube/label_loss.rs")),
    ("launch.rs", include_str!("../kernels/cube/launch.rs")),
    ("layer_norm.rs", include_str!("../kernels/cube/layer_norm.rs")),
    ("matmul.rs", include_str!("../kernels/cube/matmul.rs")),
    ("mod.rs", include_str!("../kernels/cube/mod.rs")),
    ("product_check.rs", include_str!("../kernels/cube/product_check.rs")),
    ("product_routines.rs", include_str!("../kernels/cube/product_routines.rs")),
    ("reductions.rs", include_str!("../kernels/cube/reductions.rs")),
    ("self_attention.rs", include_str!("../kernels/cube/self_attention.rs")),
];

/// What kernels are compiled and tuned for.
#[derive(Debug, Default)]
pub struct Target {
    /// What the code of a kernel depends on beside its source: the architecture and the compiler.
    pub compiler: Option<String>,
    /// What the fastest of several kernels depends on: the card.
    pub card: Option<String>,
}

/// Sets the folder of compiled and tuned kernels, once in a process: `TRAIN_CACHE`, else `coarse-to-fine` in the user's cache folder
/// (`XDG_CACHE_HOME`, else `~/.cache`). In it, what is compiled by another program, from other sources, by another compiler or for
/// another architecture lies apart, and what is tuned for another card. With several cards, the first decides.
///
/// All other settings come from a `cubecl.toml` in the working folder, if there is one.
pub fn configure(target: impl FnOnce() -> Target) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let from_environment = std::env::var_os("TRAIN_CACHE").map(PathBuf::from);
        let of_user = || {
            let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
            base.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache"))).map(|base| base.join("coarse-to-fine"))
        };
        let Some(dir) = from_environment.or_else(of_user) else { return };
        let (compiled, tuned) = folders(&dir, &target(), &program());
        let tuned = std::env::var_os(TUNED_FOLDER).map_or(tuned, PathBuf::from);
        let mut config = CubeClRuntimeConfig::from_current_dir().override_from_env();
        config.autotune.cache = CacheConfig::File(tuned);
        config.compilation.cache = Some(CacheConfig::File(compiled));
        CubeClRuntimeConfig::set(config);
    });
}

/// The version of this program and a checksum of its kernels.
fn program() -> String {
    let checksum = SOURCES.iter().fold(0, |checksum, (_, source)| crc32c::crc32c_append(checksum, source.as_bytes()));
    format!("train-{}-{checksum:08x}", env!("CARGO_PKG_VERSION"))
}

/// The folders of compiled and of tuned kernels.
fn folders(dir: &Path, target: &Target, program: &str) -> (PathBuf, PathBuf) {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let part =
        |text: &Option<String>| -> String { text.as_deref().unwrap_or("any").chars().map(|c| if is_plain(c) { c } else { '-' }).collect() };
    let compiled = dir.join(program).join(part(&target.compiler));
    let tuned = compiled.join(part(&target.card));
    (compiled, tuned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_sources_of_kernels_decide() {
        fn files(folder: &Path, prefix: &str) -> Vec<String> {
            let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
            entries
                .flat_map(|entry| {
                    let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
                    if entry.path().is_dir() { files(&entry.path(), &format!("{name}/")) } else { vec![name] }
                })
                .collect()
        }
        let mut files = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/kernels/cube"), "");
        files.sort();
        assert_eq!(SOURCES.map(|(name, _)| name.to_owned()).to_vec(), files);
    }

    #[test]
    fn other_cards_and_compilers_have_folders_of_their_own() {
        let target = |compiler: &str, card: &str| Target { compiler: Some(compiler.to_owned()), card: Some(card.to_owned()) };
        let of = |target| folders(Path::new("c"), &target, "train-1-ab");
        let (compiled, tuned) = of(target("sm_90-nvrtc-13.0", "NVIDIA H200"));
        assert_eq!(compiled, Path::new("c/train-1-ab/sm_90-nvrtc-13.0"));
        assert_eq!(tuned, Path::new("c/train-1-ab/sm_90-nvrtc-13.0/NVIDIA-H200"));
        assert_eq!(of(Target::default()).1, Path::new("c/train-1-ab/any/any"));
    }
}

//! Where compiled and tuned kernels are kept between runs.

use std::path::PathBuf;
use std::sync::Once;

use cubecl::config::cache::CacheConfig;
use cubecl::config::{CubeClRuntimeConfig, RuntimeConfig};

/// Sets the folder of compiled and tuned kernels, once in a process: `TRAIN_CACHE`, else `coarse-to-fine` in the user's cache folder
/// (`XDG_CACHE_HOME`, else `~/.cache`). All other settings come from a `cubecl.toml` in the working folder, if there is one.
pub fn configure() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let from_environment = std::env::var_os("TRAIN_CACHE").map(PathBuf::from);
        let of_user = || {
            let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
            base.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache"))).map(|base| base.join("coarse-to-fine"))
        };
        let Some(dir) = from_environment.or_else(of_user) else { return };
        let mut config = CubeClRuntimeConfig::from_current_dir().override_from_env();
        config.autotune.cache = CacheConfig::File(dir.clone());
        config.compilation.cache = Some(CacheConfig::File(dir));
        CubeClRuntimeConfig::set(config);
    });
}

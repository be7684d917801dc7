//! Folders of models as others ship them: the cache of the Hugging Face hub, and pointers of Git LFS in the place of files.

use std::env;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

/// First bytes of a pointer (git-lfs/docs/spec.md).
const LFS_POINTER: &[u8] = b"version https://git-lfs.github.com/spec/";

/// Refuses a file that is a pointer of Git LFS.
///
/// # Errors
/// It is one, or it cannot be read.
pub fn refuse_lfs_pointer(path: &Path) -> Result<()> {
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LFS_POINTER.len() as u64).read_to_end(&mut start));
    read.with_context(|| format!("cannot read {}", path.display()))?;
    ensure!(
        start != LFS_POINTER,
        "{} is a pointer of Git LFS, not the file itself; get the files with `git lfs pull` in that folder, or download the model again",
        path.display()
    );
    Ok(())
}

/// The folder of a model: the given one if it exists, or else that of the model of this name in the cache of the Hugging Face hub.
///
/// # Errors
/// Neither exists: the message says how to download it.
pub fn locate(given: &Path) -> Result<PathBuf> {
    if given.is_dir() {
        return Ok(given.to_owned());
    }
    ensure!(!given.exists(), "{} is a file; give the folder that holds config.json and the weights", given.display());
    let Some(name) = hub_name(given) else { bail!("there is no encoder folder {}", given.display()) };
    let cache = cache(|variable| env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from));
    let found = cache.as_deref().and_then(|cache| snapshot(cache, name));
    found.with_context(|| {
        let cache = cache.map_or_else(|| "~/.cache/huggingface/hub".to_owned(), |cache| cache.display().to_string());
        format!(
            "there is no encoder folder {name}, and no model of this name in the Hugging Face cache {cache}; download it with `hf download \
             {name}`, or give a folder"
        )
    })
}

/// A path that may be the name of a model: `NAME` or `OWNER/NAME`.
fn hub_name(path: &Path) -> Option<&str> {
    let parts: Vec<Component<'_>> = path.components().collect();
    let is_name = (1..=2).contains(&parts.len()) && parts.iter().all(|part| matches!(part, Component::Normal(_)));
    path.to_str().filter(|name| is_name && !name.ends_with('/'))
}

/// The folder of the cache, by the variables that `huggingface_hub` reads.
fn cache(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let hub = variable("HF_HUB_CACHE").or_else(|| variable("HUGGINGFACE_HUB_CACHE"));
    let home = || {
        let of_user = || variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
        variable("HF_HOME").or_else(|| Some(of_user()?.join("huggingface")))
    };
    hub.or_else(|| Some(home()?.join("hub")))
}

/// The newest snapshot of a model in a cache: the one that `refs/main` names, or else the only one.
fn snapshot(cache: &Path, name: &str) -> Option<PathBuf> {
    let model = cache.join(format!("models--{}", name.replace('/', "--")));
    let snapshots = model.join("snapshots");
    let of_main = fs::read_to_string(model.join("refs/main")).ok().map(|revision| snapshots.join(revision.trim()));
    of_main.filter(|dir| dir.is_dir()).or_else(|| {
        let mut all = fs::read_dir(&snapshots).ok()?.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_dir());
        all.next().filter(|_| all.next().is_none())
    })
}

/// The name of a file in an index of shards, if it is one of the same folder.
pub fn plain_file_name(name: &str) -> Option<&OsStr> {
    let path = Path::new(name);
    path.file_name().filter(|file| *file == path.as_os_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_of_git_lfs_is_called_one() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("model.safetensors");
        fs::write(&file, "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n").unwrap();
        let error = refuse_lfs_pointer(&file).unwrap_err().to_string();
        assert!(error.contains("model.safetensors is a pointer of Git LFS") && error.contains("git lfs pull"), "{error}");
        for other in ["", "version", "{}"] {
            fs::write(&file, other).unwrap();
            refuse_lfs_pointer(&file).unwrap();
        }
        assert!(refuse_lfs_pointer(&dir.path().join("nothing")).is_err());
    }

    #[test]
    fn a_model_of_the_hub_is_found_in_the_cache() {
        let dir = tempfile::tempdir().unwrap();
        let cache = dir.path();
        assert_eq!(snapshot(cache, "bert-base-chinese"), None);
        let snapshots = cache.join("models--bert-base-chinese/snapshots");
        fs::create_dir_all(snapshots.join("aaa")).unwrap();
        assert_eq!(snapshot(cache, "bert-base-chinese"), Some(snapshots.join("aaa")), "the only one");
        fs::create_dir_all(snapshots.join("bbb")).unwrap();
        assert_eq!(snapshot(cache, "bert-base-chinese"), None, "either");
        fs::create_dir_all(cache.join("models--bert-base-chinese/refs")).unwrap();
        fs::write(cache.join("models--bert-base-chinese/refs/main"), "bbb\n").unwrap();
        assert_eq!(snapshot(cache, "bert-base-chinese"), Some(snapshots.join("bbb")));
        let owned = cache.join("models--hfl--chinese-roberta-wwm-ext/snapshots/ccc");
        fs::create_dir_all(&owned).unwrap();
        assert_eq!(snapshot(cache, "hfl/chinese-roberta-wwm-ext"), Some(owned));
    }

    #[test]
    fn the_cache_is_where_the_hub_puts_it() {
        let check = |given: &[(&str, &str)], expected: Option<&str>| {
            let variable = |name: &str| given.iter().find(|(known, _)| *known == name).map(|(_, value)| PathBuf::from(value));
            assert_eq!(cache(variable), expected.map(PathBuf::from), "{given:?}");
        };
        check(&[], None);
        check(&[("HOME", "/h")], Some("/h/.cache/huggingface/hub"));
        check(&[("HOME", "/h"), ("XDG_CACHE_HOME", "/x")], Some("/x/huggingface/hub"));
        check(&[("HOME", "/h"), ("HF_HOME", "/hf")], Some("/hf/hub"));
        check(&[("HF_HOME", "/hf"), ("HF_HUB_CACHE", "/cache")], Some("/cache"));
    }

    #[test]
    fn a_path_is_no_name_of_the_hub() {
        let check = |path: &str, expected: bool| assert_eq!(hub_name(Path::new(path)).is_some(), expected, "{path}");
        check("roberta-base", true);
        check("hfl/chinese-roberta-wwm-ext", true);
        for path in ["/roberta-base", "../roberta", "./roberta", "a/b/c", "", "models/"] {
            check(path, false);
        }
        let error = locate(Path::new("no-such-owner/no-such-model")).unwrap_err().to_string();
        assert!(error.contains("hf download no-such-owner/no-such-model"), "{error}");
    }
}

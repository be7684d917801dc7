//! Folders of brat's standoff to their files.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

use crate::number_format::counted;

/// Folders that may be in each other: a link may lead in a circle.
const MAX_DEPTH: usize = 32;

/// The files that inputs name: those with annotations of a folder of standoff and of the folders in it, in order of their paths; the
/// annotations beside a text; other files as they are, and all where they may not be standoff. `warn` receives a message for texts of a folder without annotations.
///
/// # Errors
/// A folder that cannot be read or has no annotations.
pub fn corpus_files(inputs: &[PathBuf], may_be_brat: bool, warn: &mut (dyn FnMut(String) + Send)) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for input in inputs {
        let annotations = input.with_extension("ann");
        if may_be_brat && input.is_dir() {
            let found = files.len();
            let mut texts = Vec::new();
            add_folder(input, 0, &mut files, &mut texts)?;
            ensure!(
                files.len() > found,
                "{} holds no .ann file: folders are read as standoff of brat; name files of other formats",
                input.display()
            );
            if let Some(first) = texts.first() {
                let texts = counted(texts.len() as u64, "text");
                warn(format!(
                    "{}: {texts} without an .ann file of the same name, such as {}, are left out",
                    input.display(),
                    first.display()
                ));
            }
        } else if may_be_brat && has_extension(input, "txt") && annotations.is_file() {
            files.push(annotations);
        } else {
            files.push(input.clone());
        }
    }
    Ok(files)
}

/// Adds the files with annotations of a folder, and the texts that have none.
fn add_folder(folder: &Path, depth: usize, files: &mut Vec<PathBuf>, texts: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let place = || format!("cannot read folder {}", folder.display());
    ensure!(depth < MAX_DEPTH, "{}: more than {MAX_DEPTH} folders in each other; a link may lead in a circle", folder.display());
    let entries = std::fs::read_dir(folder).with_context(place)?.map(|entry| Ok(entry?.path()));
    let mut paths: Vec<PathBuf> = entries.collect::<std::io::Result<_>>().with_context(place)?;
    paths.sort();
    for path in paths {
        if path.is_dir() {
            add_folder(&path, depth + 1, files, texts)?;
        } else if has_extension(&path, "ann") {
            files.push(path);
        } else if has_extension(&path, "txt") && !path.with_extension("ann").is_file() {
            texts.push(path);
        }
    }
    Ok(())
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension))
}

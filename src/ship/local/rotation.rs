//! Rotation: `trail.jsonl` becomes `trail.jsonl.1`, which becomes `trail.jsonl.2`, and so on; the highest number is the oldest.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::open_file::{Syncs, wrong};

/// Moves the files up by one, so that the path is free. Called by who holds the lock of the file. Returns whether the oldest
/// file is gone.
///
/// A crash in between leaves a number free, and the next rotation goes no further than that.
pub(super) fn rotate(path: &Path, keep: u32, disk: &dyn Syncs) -> io::Result<bool> {
    let free = (1..keep).find(|number| !is_there(&numbered(path, *number)));
    let highest = free.unwrap_or(keep);
    let is_one_gone = is_there(&numbered(path, highest));
    for number in (1..highest).rev() {
        rename(&numbered(path, number), &numbered(path, number + 1))?;
    }
    rename(path, &numbered(path, 1))?;
    disk.sync_directory(path)?;
    Ok(is_one_gone)
}

/// The path of a rotated file.
fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

/// What belongs to others is neither moved nor replaced.
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    for path in [from, to] {
        match fs::symlink_metadata(path) {
            Ok(found) if !found.is_file() || found.uid() != rustix::process::geteuid().as_raw() => {
                let text = format!("it cannot be rotated, as {} belongs to something else", path.display());
                return Err(wrong(&text));
            }
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    fs::rename(from, to)
}

fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

//! Creates directories, and follows no symbolic link that another user has put on the way.
//!
//! Each part of the path is checked, and opened relative to the one before it, before the next part is created. Nothing is
//! ever created behind a refused link, even if the link appears in the meantime.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Component, Path, PathBuf};
use std::{fs, io};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat, mkdirat, openat, readlinkat, statat};
use rustix::io::Errno;

/// Creates the directory at that path and its missing parents, with mode 0700. Links of root and of this user are followed,
/// except in the last part.
pub(in crate::journal) fn made(path: &Path) -> io::Result<fs::File> {
    let mut parts = VecDeque::new();
    let mut walk = Walk { at: begin(path)?, path: start_of(path).into(), links: 0 };
    put_first(&mut parts, path);
    let last = match parts.back() {
        Some(name) if name != ".." => parts.pop_back(),
        _ => None,
    };
    while let Some(part) = parts.pop_front() {
        if let Some(target) = walk.enter(&part)? {
            put_first(&mut parts, &target);
        }
    }
    let last = last.unwrap_or_else(|| ".".into());
    make(&walk.at, &last)?;
    Ok(openat(&walk.at, &last, DIRECTORY | OFlags::RDONLY, Mode::empty())?.into())
}

struct Walk {
    at: OwnedFd,
    /// For messages.
    path: PathBuf,
    links: usize,
}

impl Walk {
    /// Enters one part. Returns the target if the part is a link.
    fn enter(&mut self, part: &OsStr) -> io::Result<Option<PathBuf>> {
        make(&self.at, part)?;
        let stat = statat(&self.at, part, AtFlags::SYMLINK_NOFOLLOW)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::Symlink {
            self.at = openat(&self.at, part, DIRECTORY | SEARCH, Mode::empty())?;
            self.path.push(part);
            return Ok(None);
        }
        self.check(part, &stat)?;
        let target = readlinkat(&self.at, part, Vec::new())?.into_bytes();
        let target = PathBuf::from(OsString::from_vec(target));
        if target.is_absolute() {
            (self.at, self.path) = (begin(&target)?, start_of(&target).into());
        }
        Ok(Some(target))
    }

    fn check(&mut self, part: &OsStr, link: &Stat) -> io::Result<()> {
        self.links += 1;
        if self.links > MOST_LINKS {
            return Err(Errno::LOOP.into());
        }
        let (owner, user) = (link.st_uid, rustix::process::geteuid().as_raw());
        if owner == 0 || owner == user {
            return Ok(());
        }
        let text = format!(
            "the symbolic link {} belongs to user {owner} and this process runs as {user}, so it is not followed; name the \
             directory itself",
            self.path.join(part).display()
        );
        Err(io::Error::new(io::ErrorKind::PermissionDenied, text))
    }
}

fn make(at: &OwnedFd, part: &OsStr) -> io::Result<()> {
    match mkdirat(at, part, Mode::RWXU) {
        // A file system that is read-only, or closed to this user, reports that before it checks whether the directory
        // exists.
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(error) => match statat(at, part, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(_) => Ok(()),
            Err(_) => Err(error.into()),
        },
    }
}

fn begin(path: &Path) -> io::Result<OwnedFd> {
    Ok(openat(CWD, start_of(path), DIRECTORY | SEARCH, Mode::empty())?)
}

fn start_of(path: &Path) -> &'static str {
    if path.is_absolute() { "/" } else { "." }
}

fn put_first(parts: &mut VecDeque<OsString>, path: &Path) {
    for component in path.components().rev() {
        match component {
            Component::Normal(name) => parts.push_front(name.to_owned()),
            Component::ParentDir => parts.push_front("..".into()),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
}

const DIRECTORY: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// A directory on the way may not be readable.
#[cfg(any(target_os = "linux", target_os = "android"))]
const SEARCH: OFlags = OFlags::PATH;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const SEARCH: OFlags = OFlags::RDONLY;
/// The limit of Linux (path_resolution(7)).
const MOST_LINKS: usize = 40;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, lchown, symlink};

    use super::*;

    fn names(path: &Path) -> Vec<OsString> {
        fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name()).collect()
    }

    #[test]
    fn directories_are_made_through_links_of_this_user() {
        let directory = tempfile::tempdir().unwrap();
        let base = directory.path();
        fs::create_dir(base.join("real")).unwrap();
        symlink("real", base.join("near")).unwrap();
        symlink(base.join("near/../near"), base.join("far")).unwrap();
        for path in ["plain/a/b", "near/a/b", "far/c", "far/../real/d"] {
            let made = made(&base.join(path)).unwrap();
            assert_eq!(made.metadata().unwrap().ino(), fs::metadata(base.join(path)).unwrap().ino(), "{path}");
            drop(super::made(&base.join(path)).unwrap());
        }
        assert_eq!(names(&base.join("real")).len(), 3);
        symlink("round", base.join("round")).unwrap();
        assert!(made(&base.join("round/a")).is_err());
        assert!(made(&base.join("near")).is_err(), "not in the last part");
        fs::write(base.join("file"), "").unwrap();
        assert!(made(&base.join("file/a")).is_err() && made(&base.join("file")).is_err());
    }

    /// Only root can give a link to another user.
    #[test]
    fn behind_a_link_of_somebody_else_nothing_is_made() {
        let directory = tempfile::tempdir().unwrap();
        let base = directory.path();
        fs::create_dir(base.join("victim")).unwrap();
        symlink(base.join("victim"), base.join("trap")).unwrap();
        symlink("trap", base.join("own")).unwrap();
        if lchown(base.join("trap"), Some(54_321), None).is_err() {
            return;
        }
        for path in ["trap/journal", "trap/a/journal", "own/journal"] {
            let error = made(&base.join(path)).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
            assert!(error.to_string().contains("trap belongs to user 54321"), "{error}");
        }
        assert!(names(&base.join("victim")).is_empty());
    }
}

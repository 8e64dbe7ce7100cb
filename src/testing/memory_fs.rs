//! A disk in memory, for one trail.
//!
//! Invariants:
//! 1. A file is reached by its handles as long as there are any, also after it was renamed or removed.
//! 2. A frame is stored under the lock of its file: no reader sees a part of it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::journal::{File, Fs, Identity};
use crate::locks::Mutex;

/// Files and directories that are gone when the last handle is.
#[derive(Debug, Default)]
pub(super) struct MemoryFs {
    tree: Mutex<Tree>,
    inodes: AtomicU64,
}

#[derive(Debug, Default)]
struct Tree {
    files: BTreeMap<PathBuf, Arc<Inode>>,
    directories: BTreeSet<PathBuf>,
}

#[derive(Debug)]
struct Inode {
    number: u64,
    content: Mutex<Vec<u8>>,
    is_locked: AtomicBool,
}

/// A handle of a file.
#[derive(Debug)]
struct MemoryFile {
    inode: Arc<Inode>,
    has_lock: AtomicBool,
}

impl MemoryFs {
    fn create(&self, content: Vec<u8>) -> Arc<Inode> {
        let number = self.inodes.fetch_add(1, Ordering::Relaxed) + 1;
        Arc::new(Inode { number, content: Mutex::new(content), is_locked: AtomicBool::new(false) })
    }
}

impl Fs for MemoryFs {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.tree.lock().directories.extend(path.ancestors().map(Path::to_owned));
        Ok(())
    }

    fn create_segment(&self, path: &Path, length: u64) -> io::Result<Arc<dyn File>> {
        let mut tree = self.tree.lock();
        if tree.files.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let inode = self.create(vec![0; size(length)?]);
        tree.files.insert(path.to_owned(), inode.clone());
        Ok(opened(inode))
    }

    fn open_or_create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let mut tree = self.tree.lock();
        let inode = tree.files.entry(path.to_owned()).or_insert_with(|| self.create(Vec::new()));
        Ok(opened(inode.clone()))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        self.tree.lock().files.get(path).cloned().map(opened).ok_or_else(not_found)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut tree = self.tree.lock();
        let inode = tree.files.remove(from).ok_or_else(not_found)?;
        tree.files.insert(to.to_owned(), inode);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.tree.lock().files.remove(path).map(drop).ok_or_else(not_found)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        let mut tree = self.tree.lock();
        if !tree.names(path).is_empty() {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        if tree.directories.remove(path) { Ok(()) } else { Err(not_found()) }
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        if self.tree.lock().directories.contains(path) { Ok(()) } else { Err(not_found()) }
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let tree = self.tree.lock();
        if tree.directories.contains(path) { Ok(tree.names(path)) } else { Err(not_found()) }
    }

    fn identity(&self, path: &Path) -> io::Result<Identity> {
        let tree = self.tree.lock();
        match tree.files.get(path) {
            Some(inode) => Ok(inode.identity()),
            None if tree.directories.contains(path) => Ok(Identity { device: 0, inode: 0, length: 0 }),
            None => Err(not_found()),
        }
    }
}

impl Tree {
    /// What is in a directory, sorted.
    fn names(&self, path: &Path) -> Vec<String> {
        let inside = |entry: &&PathBuf| entry.parent() == Some(path);
        let all = self.files.keys().chain(&self.directories).filter(inside);
        let names: BTreeSet<_> = all.filter_map(|entry| Some(entry.file_name()?.to_str()?.to_owned())).collect();
        names.into_iter().collect()
    }
}

impl Inode {
    fn identity(&self) -> Identity {
        Identity { device: 0, inode: self.number, length: self.content.lock().len() as u64 }
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let (from, mut content) = (size(offset)?, self.content.lock());
        let end = from.checked_add(bytes.len()).ok_or(io::ErrorKind::InvalidInput)?;
        if content.len() < end {
            content.resize(end, 0);
        }
        content.get_mut(from..end).ok_or(io::ErrorKind::InvalidInput)?.copy_from_slice(bytes);
        Ok(())
    }
}

impl File for MemoryFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let content = self.inode.content.lock();
        let rest = content.get(size(offset)?..).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        buffer.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        Ok(length)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.inode.write(offset, bytes)
    }

    fn publish(&self, offset: u64, frame: &[u8]) -> io::Result<()> {
        self.inode.write(offset, frame)
    }

    /// There is nothing that outlives the process.
    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        self.inode.content.lock().resize(size(length)?, 0);
        Ok(())
    }

    fn identity(&self) -> io::Result<Identity> {
        Ok(self.inode.identity())
    }

    fn prepare(&self, _: u64, _: u64) {}

    fn try_lock(&self) -> io::Result<bool> {
        let is_ours = self.has_lock.load(Ordering::Acquire);
        let is_locked = is_ours || !self.inode.is_locked.swap(true, Ordering::AcqRel);
        self.has_lock.store(is_locked, Ordering::Release);
        Ok(is_locked)
    }
}

impl Drop for MemoryFile {
    fn drop(&mut self) {
        if *self.has_lock.get_mut() {
            self.inode.is_locked.store(false, Ordering::Release);
        }
    }
}

fn opened(inode: Arc<Inode>) -> Arc<dyn File> {
    Arc::new(MemoryFile { inode, has_lock: AtomicBool::new(false) })
}

fn size(length: u64) -> io::Result<usize> {
    usize::try_from(length).map_err(|_| io::ErrorKind::InvalidInput.into())
}

fn not_found() -> io::Error {
    io::ErrorKind::NotFound.into()
}

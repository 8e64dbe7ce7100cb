//! What is on the simulated disk, and what is only on its way there.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use auditrail::journal::Identity;

use super::Chance;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    Directory,
    File(usize),
}

/// A change of names that is durable only when its directory is synced.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    Directory(PathBuf),
    File(PathBuf, usize),
    Remove(PathBuf),
    Rename(PathBuf, PathBuf, usize),
}

#[derive(Debug)]
pub(crate) struct Disk {
    sector: usize,
    pub(crate) inodes: Vec<Inode>,
    names: BTreeMap<PathBuf, Node>,
    durable_names: BTreeMap<PathBuf, Node>,
    pending: Vec<Change>,
}

#[derive(Debug, Default)]
pub(crate) struct Inode {
    pub(crate) content: Vec<u8>,
    durable: Vec<u8>,
    durable_length: usize,
    dirty: BTreeSet<usize>,
    /// Taken for written since a sync failed.
    forgotten: BTreeSet<usize>,
    sector: usize,
    /// The handle that has the lock.
    pub(crate) lock: Option<u64>,
}

impl Disk {
    pub(crate) fn new(sector: usize) -> Self {
        let root = BTreeMap::from([(PathBuf::from("/"), Node::Directory)]);
        Self { sector, inodes: Vec::new(), durable_names: root.clone(), names: root, pending: Vec::new() }
    }

    pub(crate) fn exists(&self, path: &Path) -> bool {
        self.names.contains_key(path)
    }

    pub(crate) fn is_dir(&self, path: &Path) -> bool {
        self.names.get(path) == Some(&Node::Directory)
    }

    pub(crate) fn file(&self, path: &Path) -> Option<usize> {
        match self.names.get(path) {
            Some(Node::File(inode)) => Some(*inode),
            _ => None,
        }
    }

    pub(crate) fn paths(&self) -> Vec<PathBuf> {
        self.names.keys().cloned().collect()
    }

    pub(crate) fn names(&self, path: &Path) -> Option<Vec<String>> {
        self.is_dir(path).then(|| {
            let inside = self.names.keys().filter(|name| name.parent() == Some(path));
            inside.filter_map(|name| Some(name.file_name()?.to_str()?.to_owned())).collect()
        })
    }

    pub(crate) fn create(&mut self, path: &Path) -> io::Result<usize> {
        self.inodes.push(Inode { sector: self.sector, ..Inode::default() });
        let inode = self.inodes.len() - 1;
        self.change(Change::File(path.to_owned(), inode))?;
        Ok(inode)
    }

    pub(crate) fn identity(&self, inode: usize) -> Identity {
        Identity { device: 1, inode: inode as u64 + 1, length: self.inodes[inode].content.len() as u64 }
    }

    pub(crate) fn change(&mut self, change: Change) -> io::Result<()> {
        let parent = change.path().parent().map(Path::to_owned);
        if !parent.is_some_and(|parent| self.is_dir(&parent)) {
            return Err(io::ErrorKind::NotFound.into());
        }
        change.apply(&mut self.names);
        self.pending.push(change);
        Ok(())
    }

    pub(crate) fn sync_dir(&mut self, path: &Path) -> io::Result<()> {
        if !self.is_dir(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let (here, elsewhere) = std::mem::take(&mut self.pending).into_iter().partition(|change| change.is_in(path));
        self.pending = elsewhere;
        let here: Vec<Change> = here;
        here.iter().for_each(|change| change.apply(&mut self.durable_names));
        Ok(())
    }

    pub(crate) fn kill(&mut self) {
        for inode in &mut self.inodes {
            inode.lock = None;
            inode.dirty.append(&mut inode.forgotten);
        }
    }

    pub(crate) fn lose_power(&mut self, chance: &mut Chance) {
        for change in std::mem::take(&mut self.pending) {
            if chance.one_in(2) {
                change.apply(&mut self.durable_names);
            }
        }
        // A name in a directory that is not there is not there either.
        let all = self.durable_names.clone();
        self.durable_names.retain(|path, _| path.ancestors().skip(1).all(|parent| all.contains_key(parent)));
        self.names = self.durable_names.clone();
        self.inodes.iter_mut().for_each(|inode| inode.lose_power(chance));
    }
}

impl Change {
    fn path(&self) -> &Path {
        match self {
            Self::Directory(path) | Self::File(path, _) | Self::Remove(path) | Self::Rename(_, path, _) => path,
        }
    }

    fn is_in(&self, directory: &Path) -> bool {
        self.path().parent() == Some(directory)
    }

    fn apply(&self, names: &mut BTreeMap<PathBuf, Node>) {
        match self {
            Self::Directory(path) => drop(names.insert(path.clone(), Node::Directory)),
            Self::File(path, inode) => drop(names.insert(path.clone(), Node::File(*inode))),
            Self::Remove(path) => drop(names.remove(path)),
            Self::Rename(from, to, inode) => {
                names.remove(from);
                names.insert(to.clone(), Node::File(*inode));
            }
        }
    }
}

impl Inode {
    pub(crate) fn write(&mut self, offset: usize, bytes: &[u8], chance: &mut Chance) {
        if bytes.is_empty() {
            return;
        }
        let end = offset + bytes.len();
        if self.content.len() < end {
            self.content.resize(end, 0);
        }
        self.content[offset..end].copy_from_slice(bytes);
        self.dirty.extend(offset / self.sector..end.div_ceil(self.sector));
        // The kernel may write back whenever it likes.
        if chance.one_in(24)
            && let Some(sector) = self.dirty.pop_first()
        {
            self.write_back(sector);
        }
    }

    pub(crate) fn set_length(&mut self, length: u64) {
        self.content.resize(usize::try_from(length).unwrap(), 0);
    }

    pub(crate) fn overwrite(&mut self, content: &[u8]) {
        self.content = content.to_vec();
        self.durable = content.to_vec();
        self.durable_length = content.len();
        self.dirty.clear();
        self.forgotten.clear();
    }

    pub(crate) fn sync(&mut self) {
        while let Some(sector) = self.dirty.pop_first() {
            self.write_back(sector);
        }
        self.durable_length = self.content.len();
    }

    pub(crate) fn fail_sync(&mut self, chance: &mut Chance) {
        while let Some(sector) = self.dirty.pop_first() {
            if chance.one_in(2) {
                self.write_back(sector);
            } else {
                self.forgotten.insert(sector);
            }
        }
    }

    fn write_back(&mut self, sector: usize) {
        let from = sector * self.sector;
        let to = (from + self.sector).min(self.content.len());
        if from < to {
            if self.durable.len() < to {
                self.durable.resize(to, 0);
            }
            self.durable[from..to].copy_from_slice(&self.content[from..to]);
        }
    }

    fn lose_power(&mut self, chance: &mut Chance) {
        while let Some(sector) = self.dirty.pop_first() {
            if chance.one_in(2) {
                self.write_back(sector);
            }
        }
        self.forgotten.clear();
        self.lock = None;
        if chance.one_in(2) {
            self.durable_length = self.content.len();
        }
        self.durable.truncate(self.durable_length);
        self.durable.resize(self.durable_length, 0);
        self.content = self.durable.clone();
    }
}

//! The content of the simulated disk, and the writes that have not reached it.

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
    /// The process and the handle that have the lock.
    pub(crate) lock: Option<(usize, u64)>,
}

/// What a sync that has begun makes durable.
#[derive(Debug)]
pub(crate) struct Covered {
    /// By sector, as they were.
    sectors: BTreeMap<usize, Vec<u8>>,
    length: usize,
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

    pub(crate) fn kill(&mut self, process: usize) {
        for inode in &mut self.inodes {
            inode.lock.take_if(|(holder, _)| *holder == process);
        }
    }

    /// Changes a byte of these, wherever they stand at a multiple of an alignment in a file of that directory.
    pub(crate) fn damage(&mut self, directory: &Path, bytes: &[u8], alignment: usize) {
        let files = self.names.iter().filter(|(path, _)| path.parent() == Some(directory));
        for inode in files.filter_map(|(_, node)| if let Node::File(inode) = node { Some(*inode) } else { None }) {
            let Inode { content, durable, .. } = &mut self.inodes[inode];
            for there in [content, durable] {
                for at in (0..there.len()).step_by(alignment) {
                    if there[at..].starts_with(bytes) {
                        there[at + bytes.len() / 2] ^= 0x55;
                    }
                }
            }
        }
    }

    /// Whether these bytes would be found at a multiple of an alignment after a power loss, in a file of that directory.
    pub(crate) fn is_durable(&self, directory: &Path, bytes: &[u8], alignment: usize) -> bool {
        let files = self.durable_names.iter().filter(|(path, _)| path.parent() == Some(directory));
        files.filter_map(|(_, node)| if let Node::File(inode) = node { self.inodes.get(*inode) } else { None }).any(
            |inode| {
                let there = &inode.durable[..inode.durable.len().min(inode.durable_length)];
                (0..there.len()).step_by(alignment).any(|at| there[at..].starts_with(bytes))
            },
        )
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
        for sector in offset / self.sector..end.div_ceil(self.sector) {
            self.dirty.insert(sector);
            self.forgotten.remove(&sector);
        }
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

    /// Of the sectors that begin in that range of bytes.
    pub(crate) fn begin_sync(&mut self, from: u64, to: u64) -> Covered {
        let mut sectors = BTreeMap::new();
        let bytes = self.sector as u64;
        let is_covered = |sector: &usize| (from..to).contains(&(*sector as u64 * bytes));
        let covered: Vec<usize> = self.dirty.iter().copied().filter(is_covered).collect();
        self.dirty.retain(|sector| !is_covered(sector));
        for sector in covered {
            sectors.insert(sector, self.content[self.range(sector)].to_vec());
        }
        Covered { sectors, length: self.content.len() }
    }

    pub(crate) fn end_sync(&mut self, covered: Covered, chance: &mut Chance) {
        self.durable_length = if chance.one_in(2) { self.content.len() } else { covered.length };
        covered.sectors.into_iter().for_each(|(sector, bytes)| self.write_back_either(sector, &bytes, chance));
    }

    /// Of what cannot be written, that is dropped which nobody has written to since.
    pub(crate) fn fail_sync(&mut self, covered: Covered, evicts: bool, chance: &mut Chance) {
        for (sector, bytes) in covered.sectors {
            if chance.one_in(2) {
                self.write_back_either(sector, &bytes, chance);
            } else if !self.dirty.contains(&sector) {
                self.forgotten.insert(sector);
            }
        }
        if evicts {
            for sector in std::mem::take(&mut self.forgotten) {
                let range = self.range(sector);
                let mut durable = self.durable.get(range.start..).unwrap_or_default().to_vec();
                durable.resize(range.len(), 0);
                self.content[range].copy_from_slice(&durable);
            }
        }
    }

    /// The process has died in it.
    pub(crate) fn leave_sync(&mut self, covered: Covered, chance: &mut Chance) {
        for (sector, bytes) in covered.sectors {
            if chance.one_in(2) {
                self.write_back_either(sector, &bytes, chance);
            }
            self.dirty.insert(sector);
        }
    }

    /// As the sector was when the sync began, or as it is now.
    fn write_back_either(&mut self, sector: usize, before: &[u8], chance: &mut Chance) {
        if self.dirty.contains(&sector) && chance.one_in(2) {
            let from = sector * self.sector;
            self.durable.resize(self.durable.len().max(from + before.len()), 0);
            self.durable[from..from + before.len()].copy_from_slice(before);
        } else {
            self.write_back(sector);
        }
    }

    fn range(&self, sector: usize) -> std::ops::Range<usize> {
        let to = ((sector + 1) * self.sector).min(self.content.len());
        (sector * self.sector).min(to)..to
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

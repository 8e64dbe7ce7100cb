//! Classifies errors of a disk, where the journal has to distinguish them.

use std::io;

use rustix::io::Errno;

/// A feature that some file systems lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::journal) enum Lack {
    DirectorySync,
    Lock,
}

impl Lack {
    /// Whether the error says that the feature does not exist, rather than that it failed.
    pub(in crate::journal) fn is(self, cause: &io::Error) -> bool {
        let Some(cause) = Errno::from_io_error(cause) else { return false };
        match self {
            Self::DirectorySync => [Errno::INVAL, Errno::NOSYS, Errno::OPNOTSUPP].contains(&cause),
            Self::Lock => [Errno::NOLCK, Errno::NOSYS, Errno::OPNOTSUPP, Errno::INVAL].contains(&cause),
        }
    }
}

pub(in crate::journal) fn is_shortage(cause: &io::Error) -> bool {
    Errno::from_io_error(cause).is_some_and(|errno| [Errno::MFILE, Errno::NFILE, Errno::NOMEM].contains(&errno))
}

//! What the errors of a disk mean, where that matters to the journal.

use std::io;

use rustix::io::Errno;

/// What some file systems do not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::journal) enum Lack {
    DirectorySync,
    Lock,
}

impl Lack {
    /// Whether the system says that it does not have it, not that it went wrong.
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

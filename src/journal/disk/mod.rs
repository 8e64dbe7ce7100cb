//! The seam to the disk, and the real disk behind it.

mod forked;
mod fs;
mod make_dir;
mod mapped;
mod system;
mod tolerant;

pub(super) use self::forked::Birth;
pub use self::fs::{File, Fs, Identity};
pub use self::system::Disk;
pub use self::tolerant::{Tolerant, Without};

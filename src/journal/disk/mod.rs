//! The seam to the disk ([`Fs`], [`File`]), and the real disk ([`Disk`]) behind it.

mod forked;
mod fs;
mod lack;
mod make_dir;
mod mapped;
mod system;
mod tolerant;

pub(super) use self::forked::HomeProcess;
pub(crate) use self::forked::Locked;
pub use self::fs::{File, Fs, Identity};
pub(super) use self::lack::{Lack, is_shortage};
pub use self::system::Disk;
pub(crate) use self::system::check_length;
pub use self::tolerant::{Tolerant, Without};

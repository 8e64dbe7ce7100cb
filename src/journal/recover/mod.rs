//! Recovery of what a dead process left: its streams are found, read, adopted, ended and removed.

mod adopt;
mod found;
mod renew;
mod resume;
mod stream;

pub use self::adopt::{
    ADOPTED_AT_ONCE, ADOPTION_DESCRIPTORS, Adopted, Lot, OpenRequest, Orphan, Search, orphans, orphans_of,
};
pub(super) use self::found::refuse_unknown_version;
pub(super) use self::stream::{By, Recovered, recover};

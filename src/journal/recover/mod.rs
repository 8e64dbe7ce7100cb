//! What a dead process left: found, read, adopted, ended.

mod adopt;
mod found;
mod resume;
mod stream;

pub use self::adopt::{
    ADOPTED_AT_ONCE, ADOPTION_DESCRIPTORS, Adopted, Lot, OpenRequest, Orphan, Search, orphans, orphans_of,
};
pub(super) use self::found::refuse_unknown_version;
pub(super) use self::stream::{Recovered, recover};

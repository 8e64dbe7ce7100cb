//! Header fields: those of a connection, those about the client, and those that the proxy writes.

#[cfg(test)]
mod as_lines;
pub(super) mod edit;
mod forwarded;
pub(super) mod hop_by_hop;
mod hosts;

pub(crate) use self::forwarded::ForwardedWriter;
pub(crate) use self::hosts::{ForeignRequest, Hosts, is_host};
pub use auditrail::identity::{AddressField, IdentityFields, TrustedHop, TrustedHops};

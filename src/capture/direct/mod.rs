//! Typed events that your own code records, by [`Trail::record`](crate::Trail::record).

mod approval;
mod authn;
mod authz;
mod rfc3339;
#[cfg(test)]
mod tests;

pub use self::approval::Approval;
pub use self::authn::Authn;
pub use self::authz::Authz;

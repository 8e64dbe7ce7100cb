//! The service behind the tap: prepares a request for its server, holds it if its calls may not run yet, sends it, and brings
//! the response back.

mod hold;
mod origin_taps;
mod rewrite;
mod service;
mod unanswered;

pub(crate) use self::hold::BodyHold;
pub(crate) use self::origin_taps::{OriginTaps, layer};
pub(crate) use self::rewrite::{ConnectionAddresses, RequestRewrite};
pub(crate) use self::service::{AuditSettings, Relay};

//! The body of a request as the server gets it.

use http_body_util::Either;

use super::buffered::BufferedBody;
use super::request::RequestBody;

/// Streamed as it arrives, or from memory.
pub(crate) type OutgoingBody = Either<RequestBody, BufferedBody<RequestBody>>;

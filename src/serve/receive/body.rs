//! The body of an HTTP export, with a limit on every byte that is kept.

use std::io::Read;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use flate2::read::MultiGzDecoder;
use http_body_util::BodyExt;

use super::error::ReceiveError;

/// Reads a body of at most `limit` bytes.
pub(crate) async fn read(mut body: Body, limit: usize) -> Result<Bytes, ReceiveError> {
    let mut read = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|source| ReceiveError::Interrupted { source })?;
        // Trailers contain nothing about an export.
        let Ok(data) = frame.into_data() else { continue };
        if data.len() > limit.saturating_sub(read.len()) {
            return Err(ReceiveError::TooLarge { limit });
        }
        read.extend_from_slice(&data);
    }
    Ok(read.freeze())
}

/// Decompresses to at most `limit` bytes, and stops there however much more there would be.
pub(crate) fn gunzip(compressed: &[u8], limit: usize) -> Result<Bytes, ReceiveError> {
    let one_more = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut plain = Vec::new();
    MultiGzDecoder::new(compressed)
        .take(one_more)
        .read_to_end(&mut plain)
        .map_err(|source| ReceiveError::Gzip { source })?;
    if plain.len() > limit { Err(ReceiveError::TooLarge { limit }) } else { Ok(plain.into()) }
}

#[cfg(test)]
mod tests;

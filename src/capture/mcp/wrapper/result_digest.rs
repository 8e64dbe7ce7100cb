//! Digest, size and count of a result, without the result.

use hmac::Mac as _;
use serde_json::Value;

use crate::hex::hex;
use crate::record::names;
use crate::trail::{Core, OpenCall};

/// What a handler gave, in canonical form (RFC 8785).
pub(super) struct Content {
    canonical: Vec<u8>,
    parts: usize,
}

impl Content {
    /// `None` if it cannot be serialized; then it cannot be answered, either. `resultType` is left out: rmcp removes it for
    /// clients of older revisions after the handler.
    pub(super) fn of(result: serde_json::Result<Value>, parts: usize) -> Option<Self> {
        let mut result = result.ok()?;
        result.as_object_mut()?.remove("resultType");
        Some(Self { canonical: serde_jcs::to_vec(&result).ok()?, parts })
    }

    /// Adds it to the response record of a call.
    pub(super) fn note(self, core: &Core, call: &OpenCall) {
        let key = core.digest_key();
        let mut digest = key.key_for("auditrail result 1");
        digest.update(&self.canonical);
        let digest = format!("{}:{}", key.id(), hex(&digest.finalize().into_bytes()));
        call.note(&names::AUDITRAIL_RESULT_DIGEST.into(), digest.into());
        call.note(&names::AUDITRAIL_RESULT_DIGEST_FORM.into(), "jcs".into());
        for (name, number) in
            [(names::AUDITRAIL_RESULT_SIZE, self.canonical.len()), (names::AUDITRAIL_RESULT_COUNT, self.parts)]
        {
            call.note(&name.into(), i64::try_from(number).unwrap_or(i64::MAX).into());
        }
    }
}

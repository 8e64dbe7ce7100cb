//! What the records of a call say of its arguments and its result.

use crate::policy::Truncations;
use crate::record::{Attributes, Value, names};
use crate::trail::calls::{CallState, Content, ContentPart};
use crate::trail::core::Core;

impl Core {
    /// Says on the records of a call what may be said of a part of it. Its request record has the arguments if that is done before
    /// it is written.
    pub(in crate::trail) fn describe(&self, state: &CallState, content: &Content) {
        let (mut said, cut) = (Attributes::default(), Truncations::default());
        if self.context.records_digests {
            self.digested(&mut said, content);
        }
        state.set_content(&said, &cut);
    }

    /// Digest, form and size, and of a result how much is in it.
    fn digested(&self, said: &mut Attributes, content: &Content) {
        let Names { digest, form, size } = Names::of(content.part);
        said.set(digest, self.content_keys().digest(content));
        said.set(form, content.form.as_str());
        said.set(size, int(content.bytes()));
        if let Some(count) = content.count {
            said.set(names::AUDITRAIL_RESULT_COUNT, int(count));
        }
    }
}

/// The attributes of a part of a call.
struct Names {
    digest: &'static str,
    form: &'static str,
    size: &'static str,
}

impl Names {
    const fn of(part: ContentPart) -> Self {
        match part {
            ContentPart::Arguments => Self {
                digest: names::AUDITRAIL_ARGUMENTS_DIGEST,
                form: names::AUDITRAIL_ARGUMENTS_DIGEST_FORM,
                size: names::AUDITRAIL_ARGUMENTS_SIZE,
            },
            ContentPart::Result => Self {
                digest: names::AUDITRAIL_RESULT_DIGEST,
                form: names::AUDITRAIL_RESULT_DIGEST_FORM,
                size: names::AUDITRAIL_RESULT_SIZE,
            },
        }
    }
}

fn int(number: u64) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

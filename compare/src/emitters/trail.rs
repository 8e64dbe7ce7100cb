//! auditrail, by `Trail::record`.

use std::sync::{Arc, Mutex, PoisonError};

use auditrail::Trail;
use auditrail::record::EventName;
use auditrail::trail::Moment;

use super::{Exporter, FLUSH, SERVICE, TARGET_ID, TOOL};
use crate::error::Error;

pub(super) struct Auditrail {
    trail: Trail,
    notices: Arc<Mutex<Vec<String>>>,
}

impl Auditrail {
    /// With all defaults but the flush time-out; where the journal is, `AUDITRAIL_DIR` of the environment tells.
    pub(super) fn start(endpoint: &str) -> Result<Self, Error> {
        let notices = Arc::new(Mutex::new(Vec::new()));
        let noticed = notices.clone();
        let trail = Trail::builder(SERVICE)
            .endpoint(endpoint)
            .flush_timeout(FLUSH)
            .on_notice(move |notice| noticed.lock().unwrap_or_else(PoisonError::into_inner).push(notice.text.clone()))
            .start()
            .map_err(|error| Error::Emitter(error.to_string()))?;
        Ok(Self { trail, notices })
    }
}

impl Exporter for Auditrail {
    fn emit(&self, id: i64) {
        let moment = Moment::new(EventName::Context)
            .attribute("id", id)
            .attribute("mcp.method.name", "tools/call")
            .attribute("gen_ai.tool.name", TOOL)
            .attribute("audit.target.id", TARGET_ID);
        self.trail.record(moment);
    }

    fn end(self: Box<Self>) -> String {
        let Self { trail, notices } = *self;
        let refused = trail.counts().refused;
        // What was said until now is over; what the end says, stays.
        notices.lock().unwrap_or_else(PoisonError::into_inner).clear();
        drop(trail);
        let mut said = match refused {
            0 => "nothing refused".to_owned(),
            refused => format!("{refused} refused, with gap records"),
        };
        for notice in notices.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            said = format!("{said}; {notice}");
        }
        said
    }
}

//! Answers in the place of the server.

use std::fs::File;
use std::io;

use std::sync::Arc;

use super::ear::Ear;
use super::fd;
use super::output::Output;
use crate::capture::mcp::message::{Kind, Message};
use crate::proxy::refusal::Refusal;
use crate::trail::{Direction, Ongoing};

/// A call that may not run, and what it is told.
pub(super) struct Refused {
    pub(super) call: Arc<Ongoing>,
    pub(super) refusal: Refusal,
    /// It wants no answer, and gets none.
    pub(super) is_one_way: bool,
}

/// Answers what was not held, or not understood. What is itself an answer is answered to the server, which waits for it.
pub(super) fn unread(
    messages: Vec<Message>,
    reason: &str,
    to: &mut File,
    output: &Output,
    ear: &mut Ear,
) -> io::Result<()> {
    let is_batch = messages.iter().any(|message| message.batch.is_some());
    let (mut refusals, mut nameless) = (Vec::new(), false);
    for message in messages {
        let (id, has_flaw) = (message.id.clone(), message.flaw.is_some());
        let is_one_way = message.kind(Direction::ClientToServer) == Some(Kind::OneWay);
        if message.method.is_none() && id.is_some() && !has_flaw {
            let refusal = Refusal::because(id, reason, None);
            let line = format!("{}\n", refusal.json());
            drop(ear.see(refusal.into_message()));
            fd::write_all(to, line.as_bytes())?;
        } else if let Some(call) = ear.see(message) {
            let refusal = Refusal::because(id, reason, Some(call.call_id()));
            refusals.push(Refused { call, refusal, is_one_way });
        } else {
            nameless |= has_flaw;
        }
    }
    if refusals.is_empty() && nameless {
        output.insert(format!("{}\n", Refusal::because(None, reason, None).json()).as_bytes());
    }
    answer(refusals, is_batch, output, ear);
    Ok(())
}

/// One line with all of it.
pub(super) fn answer(refusals: Vec<Refused>, is_batch: bool, output: &Output, ear: &mut Ear) {
    let answered = refusals.iter().filter(|refused| !refused.is_one_way);
    let mut answers: Vec<_> = answered.map(|refused| refused.refusal.json()).collect();
    let line =
        if is_batch || answers.len() > 1 { (!answers.is_empty()).then(|| answers.into()) } else { answers.pop() };
    if let Some(line) = line {
        let line: serde_json::Value = line;
        output.insert(format!("{line}\n").as_bytes());
    }
    refusals.into_iter().for_each(|Refused { call, refusal, .. }| ear.refuse(&call, refusal.into_message()));
}

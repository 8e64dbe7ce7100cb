//! Answers refused calls instead of the server.

use std::fs::File;
use std::io;
use std::sync::Arc;

use auditrail::internals::mcp::DirectionReader;
use auditrail::internals::message::{Message, MessageKind};
use auditrail::trail::{Direction, OpenCall};
use serde_json::Value;

use super::fd;
use super::output::Output;
use crate::proxy::refusal::Refusal;

/// A call that may not run, and its error.
pub(super) struct RefusedCall {
    pub(super) call: Arc<OpenCall>,
    pub(super) refusal: Refusal,
    /// It gets no answer: it expects none, or another call with its id has one.
    pub(super) is_silent: bool,
}

/// Answers messages that were not held, or not understood. If the message is itself an answer, the server gets the
/// error, because it waits for it.
pub(super) fn unread(
    messages: Vec<Message>,
    reason: &str,
    to: &mut File,
    output: &Output,
    reader: &mut DirectionReader,
) -> io::Result<()> {
    let is_batch = messages.iter().any(|message| message.batch.is_some());
    let (mut refusals, mut nameless) = (Vec::<RefusedCall>::new(), false);
    for message in messages {
        let (id, has_flaw) = (message.id.clone(), message.flaw.is_some());
        let is_one_way = message.kind(Direction::ClientToServer) == Some(MessageKind::OneWay);
        let is_reading = message.alternative.is_some();
        if message.method.is_none() && id.is_some() && !has_flaw {
            let refusal = Refusal::because(id, reason, None);
            let line = format!("{}\n", refusal.json());
            drop(reader.see(refusal.into_message()));
            fd::write_all(to, line.as_bytes())?;
        } else if let Some(call) = reader.see(message) {
            // One answer is for all readings of a message that have its id.
            let is_told = is_reading && refusals.iter().any(|refused| refused.refusal.is_for(id.as_ref()));
            let refusal = Refusal::because(id, reason, Some(call.call_id()));
            refusals.push(RefusedCall { call, refusal, is_silent: is_one_way || is_told });
        } else {
            nameless |= has_flaw;
        }
    }
    if refusals.is_empty() && nameless {
        output.insert(format!("{}\n", Refusal::because(None, reason, None).json()).as_bytes());
    }
    answer(refusals, is_batch, output, reader);
    Ok(())
}

/// One line with all of it, or one line for each if they are not a batch.
pub(super) fn answer(refusals: Vec<RefusedCall>, is_batch: bool, output: &Output, reader: &mut DirectionReader) {
    let answers = refusals.iter().filter(|refused| !refused.is_silent).map(|refused| refused.refusal.json());
    let lines: Vec<Value> = if is_batch { batch(answers.collect()) } else { answers.collect() };
    let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
    if !lines.is_empty() {
        output.insert(lines.as_bytes());
    }
    refusals.into_iter().for_each(|RefusedCall { call, refusal, .. }| reader.refuse(&call, refusal.into_message()));
}

/// An empty batch is not sent.
fn batch(answers: Vec<Value>) -> Vec<Value> {
    if answers.is_empty() { answers } else { vec![answers.into()] }
}

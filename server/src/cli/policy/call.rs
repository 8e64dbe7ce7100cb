//! A call, as arguments or a case describe it.

use auditrail::policy::CallFacts;
use auditrail::record::{Detail, Direction, Outcome, Status};

use crate::cli::args::CallArguments;

/// The facts and the outcome.
///
/// # Errors
/// What is wrong with a word, and what would be right.
pub(super) fn read(call: &CallArguments) -> Result<(CallFacts<'_>, Option<Outcome>), String> {
    let mut facts = CallFacts::default();
    facts.method = call.method.as_deref();
    facts.tool = call.tool.as_deref();
    facts.read_only = call.read_only;
    facts.destructive = call.destructive;
    facts.idempotent = call.idempotent;
    facts.open_world = call.open_world;
    facts.prompt = call.prompt.as_deref();
    facts.resource = call.resource.as_deref();
    facts.actor = call.actor.as_deref();
    facts.tenant = call.tenant.as_deref();
    facts.direction = call.direction.as_deref().map(direction).transpose()?;
    Ok((facts, call.outcome.as_deref().map(outcome).transpose()?))
}

fn direction(text: &str) -> Result<Direction, String> {
    let known = [Direction::ClientToServer, Direction::ServerToClient];
    known
        .into_iter()
        .find(|direction| direction.as_str() == text)
        .ok_or_else(|| "the direction is not known; write client_to_server or server_to_client".to_owned())
}

fn outcome(text: &str) -> Result<Outcome, String> {
    let status = text.parse::<Status>().map(Outcome::status);
    status.or_else(|_| text.parse::<Detail>().map(Outcome::of)).map_err(|_| {
        let details: Vec<_> = Detail::all().map(Detail::as_str).collect();
        format!("the outcome is not known; write success, failure or unknown, or a detail: {}", details.join(", "))
    })
}

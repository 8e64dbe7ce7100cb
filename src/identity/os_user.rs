//! The user of the operating system that the process runs as.

use std::fs;

use super::actor::Actor;
use super::extractor::Extractor;
use super::request::RequestFacts;

/// Names the user that this process runs as, as the actor of all requests over stdio. It says nothing of requests over HTTP.
///
/// Never verified: a pipe has no peer credentials, so the kernel vouches for the process and not for whoever writes to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OsUser(Actor);

impl OsUser {
    /// Looks the user up, once.
    #[must_use]
    #[cfg(unix)]
    pub fn of_process() -> Self {
        let uid = rustix::process::geteuid().as_raw();
        // A user that only a directory service knows has no line there; its number identifies it, too.
        let name = fs::read_to_string(USERS).ok().and_then(|users| name_of(&users, uid).map(str::to_owned));
        Self::named(name.unwrap_or_else(|| uid.to_string()), uid)
    }

    #[cfg(unix)]
    fn named(id: String, uid: u32) -> Self {
        Self(Actor { auth_type: Some("os".into()), user_id: Some(uid.to_string()), ..Actor::asserted(id) })
    }
}

impl Extractor for OsUser {
    fn source(&self) -> &'static str {
        "os_user"
    }

    fn extract(&self, request: &RequestFacts<'_>) -> Option<Actor> {
        request.is_local().then(|| self.0.clone())
    }

    fn can_verify(&self) -> bool {
        false
    }
}

/// The name of a user in a password file (passwd(5)).
fn name_of(users: &str, uid: u32) -> Option<&str> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        (number.parse() == Ok(uid) && !name.is_empty()).then_some(name)
    })
}

const USERS: &str = "/etc/passwd";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_the_name_of_its_number() {
        let users = "root:x:0:0:root:/root:/bin/sh\nbroken\n::7:7::/:\nalice:x:1000:100::/home/alice:/bin/sh\n";
        assert_eq!(name_of(users, 1000), Some("alice"));
        assert_eq!(name_of(users, 100), None, "that is a group");
        assert_eq!(name_of(users, 7), None);
    }
}

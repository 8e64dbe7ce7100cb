//! Which claims say what.

/// The names of the claims that an actor is read from. A dot in a name leads into an object, unless there is a claim with exactly
/// that name. Where there are several, the first that the token has counts, except for roles, which are collected from all.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClaimNames {
    /// `audit.actor.id` (`sub`). Tokens of clients that act for themselves may lack other claims than `sub`.
    pub id: String,
    /// `user.name` (`name`, `preferred_username`).
    pub name: Vec<String>,
    /// `user.roles` (`roles`, `groups`, and `realm_access.roles`, which Keycloak has).
    pub roles: Vec<String>,
    /// `auditrail.tenant.id` (`tid` of Entra, `tenant_id`, `org_id` of Auth0).
    pub tenant: Vec<String>,
    /// `auditrail.oauth.client_id` (`client_id` of RFC 9068, `azp` of OpenID Connect, `appid` of old Entra tokens).
    pub client_id: Vec<String>,
    /// `gen_ai.agent.id`, if nobody acts for the subject by `act` (`agent_id`).
    pub agent_id: Vec<String>,
    /// `gen_ai.agent.name` (`agent_name`).
    pub agent_name: Vec<String>,
}

impl Default for ClaimNames {
    fn default() -> Self {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Self {
            id: "sub".to_owned(),
            name: names(&["name", "preferred_username"]),
            roles: names(&["roles", "groups", "realm_access.roles"]),
            tenant: names(&["tid", "tenant_id", "org_id"]),
            client_id: names(&["client_id", "azp", "appid"]),
            agent_id: names(&["agent_id"]),
            agent_name: names(&["agent_name"]),
        }
    }
}

use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn numbers_are_written_as_everybody_writes_them(number in prop_oneof![any::<u64>(), 0..2000_u64]) {
        let mut digits = [0; 20];
        prop_assert_eq!(decimal(number, &mut digits), number.to_string());
    }
}

#[test]
fn the_extremes_of_a_number_fit() {
    assert_eq!(decimal(0, &mut [0; 20]), "0");
    assert_eq!(decimal(u64::MAX, &mut [0; 20]), u64::MAX.to_string());
}

/// What is encoded when this is compiled is the attribute of the verb that the method has.
#[test]
fn actions_are_the_verbs_of_their_methods() {
    for (event, method, verb) in [
        (EventName::McpToolsCall, Some("tools/call"), "EXECUTE"),
        (EventName::McpRequest, Some("initialize"), "CONNECT"),
        (EventName::McpResourcesRead, Some("resources/read"), "READ"),
        (EventName::McpRequest, Some("resources/directory/read"), "LIST"),
        (EventName::McpRequest, Some("tools/list"), "LIST"),
        (EventName::McpRequest, Some("logging/setLevel"), "UPDATE"),
        (EventName::McpRequest, Some("resources/subscribe"), "SUBSCRIBE"),
        (EventName::McpRequest, Some("resources/unsubscribe"), "UNSUBSCRIBE"),
        (EventName::McpNotification, Some("notifications/cancelled"), "CANCEL"),
        (EventName::Authn, None, "LOGIN"),
        (EventName::Authz, Some("tools/call"), "AUTHORIZE"),
        (EventName::Context, None, "UPDATE"),
        (EventName::Erasure, None, "DELETE"),
        (EventName::HttpRequest, None, "EXECUTE"),
    ] {
        let mut plain = Vec::new();
        Encoder::continued(&mut plain).text(names::AUDIT_ACTION, verb);
        assert_eq!(action(event, method.map(str::as_bytes)), plain, "{event} {method:?}");
    }
}

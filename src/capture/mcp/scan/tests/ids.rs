//! Which answers may be for which requests. What is expected was written down by hand, from what the readers of others give
//! back for these very texts.

use super::super::super::message::Id;
use super::read_one;

fn id(text: &str) -> Id {
    read_one(format!("{{\"id\":{text},\"method\":\"x\"}}")).id.unwrap()
}

fn may_answer(answer: &str, asked: &str) -> bool {
    let (answer, asked) = (id(answer), id(asked));
    answer.class() == asked.class() && answer.may_answer(&asked)
}

#[test]
fn servers_give_ids_back_as_they_have_read_them() {
    for (asked, answers) in [
        ("1", &["1", "1.0", "1e0", "10e-1", r#""1""#, r#"" 01 ""#, r#""1.0""#][..]),
        (r#""1""#, &["1", r#""1""#]),
        ("1.0", &["1", r#""1""#]),
        ("0", &["-0", r#""0""#]),
        ("0.1", &["1e-1", r#""0.1""#]),
        // JSON.stringify(JSON.parse(…)) of Node.js, json.Marshal of Go's `any`, both as a text, as a Java double, and as it is.
        (
            "9007199254740993",
            &[
                "9007199254740992",
                "9.007199254740992e+15",
                r#""9007199254740992""#,
                r#""9.007199254740992e+15""#,
                r#""9.007199254740992E15""#,
                "9007199254740993",
                r#""9007199254740993""#,
            ],
        ),
        // The fewest digits that tell the double from its neighbours, and all that it has.
        ("1152921504606846977", &["1152921504606847000", "1152921504606846976", "1.152921504606847e18"]),
        ("18446744073709551617", &["18446744073709552000", "18446744073709551616"]),
        ("0.1000000000000000055511151231257827", &["0.1"]),
        (r#""a""#, &[r#""\u0061""#]),
    ] {
        for answer in answers {
            assert!(may_answer(answer, asked), "{answer} answers {asked}");
        }
    }
}

#[test]
fn no_other_id_is_taken_for_it() {
    for (asked, answers) in [
        (
            "1",
            &[
                "2", "-1", "1.5", "10", r#""one""#, r#""""#, r#"" ""#, r#""0x1""#, r#""1 1""#, r#""NaN""#, "true",
                "null",
            ][..],
        ),
        ("0", &[r#""""#, "null", "false", "[0]"]),
        // What no double is was not rounded: somebody means it.
        ("9007199254740992", &["9007199254740993", r#""9007199254740993""#, "9007199254740994"]),
        ("9007199254740993", &["9007199254740994", "9007199254740991"]),
        ("1152921504606846977", &["1152921504606846978"]),
        (r#""a""#, &[r#""A""#, r#""a ""#, "1"]),
        (r#""1e400""#, &["1e400", r#""1e401""#]),
    ] {
        for answer in answers {
            assert!(!may_answer(answer, asked), "{answer} does not answer {asked}");
        }
    }
}

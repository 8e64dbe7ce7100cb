use proptest::prelude::*;

use super::Recent;

#[test]
fn the_oldest_goes_and_a_new_value_makes_nothing_younger() {
    let mut recent = Recent::of_at_most(2);
    assert_eq!(recent.insert("a", 1), None);
    assert_eq!(recent.insert("b", 2), None);
    assert_eq!(recent.insert("a", 3), None, "it is there already");
    assert_eq!(recent.insert("c", 4), Some(3), "the first that was added");
    assert_eq!((recent.get("a"), recent.get("b"), recent.get("c")), (None, Some(&2), Some(&4)));
    assert!(recent.contains("b") && !recent.contains("a"));
}

#[test]
fn what_is_touched_stays() {
    let mut recent = Recent::of_at_most(2);
    recent.insert("a", 1);
    recent.insert("b", 2);
    assert_eq!(recent.touch("a"), Some(&1));
    assert_eq!(recent.touch("d"), None);
    assert_eq!(recent.insert("c", 3), Some(2));
    assert_eq!(recent.touch("c"), Some(&3));
    assert_eq!(recent.insert("d", 4), Some(1));
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Insert(u8, u16),
    Touch(u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = 0_u8..12;
    let insert = (key.clone(), any::<u16>()).prop_map(|(key, value)| Step::Insert(key, value));
    prop::collection::vec(prop_oneof![2 => insert, 1 => key.prop_map(Step::Touch)], 0..200)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Beside a list that has the youngest last, and is searched.
    #[test]
    fn it_holds_what_a_list_would(most in 1_usize..8, steps in steps()) {
        let (mut recent, mut list) = (Recent::of_at_most(most), Vec::<(u8, u16)>::new());
        for step in steps {
            match step {
                Step::Insert(key, value) => {
                    let forgotten = recent.insert(key, value);
                    if let Some(known) = list.iter_mut().find(|(known, _)| *known == key) {
                        known.1 = value;
                        prop_assert_eq!(forgotten, None);
                    } else {
                        let expected = if list.len() == most { Some(list.remove(0).1) } else { None };
                        list.push((key, value));
                        prop_assert_eq!(forgotten, expected);
                    }
                }
                Step::Touch(key) => {
                    let at = list.iter().position(|(known, _)| *known == key);
                    let value = at.map(|at| list.remove(at));
                    list.extend(value);
                    prop_assert_eq!(recent.touch(&key).copied(), value.map(|(_, value)| value));
                }
            }
            prop_assert_eq!((recent.len(), recent.order.len()), (list.len(), list.len()));
            for (key, value) in &list {
                prop_assert_eq!(recent.get(key), Some(value));
            }
        }
    }
}

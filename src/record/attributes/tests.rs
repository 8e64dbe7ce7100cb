//! Encoded attributes behave as a plain list of keys and values does.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::record::{Encoder, Record, Scalar, Severity};

/// What can be done to attributes.
#[derive(Debug, Clone)]
enum Step {
    Set(usize, Value),
    Put(usize, String, bool),
    Remove(usize),
    TakeOver(Vec<(usize, Value)>),
    Cut(usize),
}

proptest! {
    /// Invariants 1 to 3, whatever is done: the same entries in the same order, each found by its key and its place.
    #[test]
    fn they_are_a_list_with_unique_keys(steps in vec(steps(), 0..24)) {
        let (mut ours, mut model) = (Attributes::default(), Vec::<(Key, Value)>::new());
        for step in steps {
            apply(&mut ours, &mut model, step);
            let listed: Vec<_> = ours.iter().map(|(key, value)| (Key::from(key.to_owned()), value)).collect();
            prop_assert_eq!(&listed, &model);
            for key in KEYS {
                let expected = model.iter().find(|(name, _)| name == key).map(|(_, value)| value);
                prop_assert_eq!(ours.get(key), expected.cloned());
                prop_assert_eq!(ours.text(key), expected.and_then(Value::as_str));
                prop_assert_eq!(ours.contains(key), expected.is_some());
                if let Some(place) = Place::of(key) {
                    prop_assert_eq!(ours.has(place), expected.is_some());
                    prop_assert_eq!(ours.text_at(place), expected.and_then(Value::as_str));
                    prop_assert_eq!(ours.bytes_at(place), expected.and_then(Value::as_str).map(str::as_bytes));
                }
            }
        }
        prop_assert_eq!(recorded(|encoder| encoder.attributes(&ours)), model);
    }

    /// A name that was prepared gives the same bytes.
    #[test]
    fn a_prepared_name_gives_the_same_bytes(key in ".{0,140}", text in ".{0,140}", number in any::<i64>(), in_list in any::<bool>()) {
        for scalar in [Scalar::Str(&text), Scalar::Int(number), Scalar::Bool(number > 0), Scalar::Double(0.5)] {
            let given = Given { scalar, in_list };
            let (mut plain, mut prepared) = (Attributes::default(), Attributes::default());
            plain.put(&key, given);
            prepared.append(&Name::new(key.clone()), given);
            prop_assert_eq!(plain, prepared);
        }
    }
}

#[test]
fn cleared_attributes_say_nothing() {
    let mut attributes = Attributes::default();
    attributes.set(names::GEN_AI_TOOL_NAME, "get_weather");
    attributes.clear();
    assert_eq!(attributes, Attributes::default());
    assert_eq!(attributes.text_at(Place::Tool), None);
}

fn apply(ours: &mut Attributes, model: &mut Vec<(Key, Value)>, step: Step) {
    match step {
        Step::Set(key, value) => {
            ours.set(KEYS[key], value.clone());
            set(model, KEYS[key], value);
        }
        Step::Put(key, text, in_list) => {
            ours.put(KEYS[key], Given { scalar: Scalar::Str(&text), in_list });
            let value = Value::from(text);
            set(model, KEYS[key], if in_list { Value::Array(vec![value]) } else { value });
        }
        Step::Remove(key) => {
            let found = model.iter().position(|(name, _)| name == KEYS[key]);
            assert_eq!(ours.remove(KEYS[key]), found.map(|index| model.remove(index).1));
        }
        Step::TakeOver(entries) => {
            let mut others = Attributes::default();
            let mut other_model = Vec::new();
            for (key, value) in entries {
                others.set(KEYS[key], value.clone());
                set(&mut other_model, KEYS[key], value);
            }
            ours.take_over(&others, |key| key != KEYS[0]);
            for (key, value) in other_model.into_iter().filter(|(key, _)| key != KEYS[0]) {
                set(model, &key, value);
            }
        }
        Step::Cut(length) => {
            let short = |value: &mut Value| {
                let is_long = matches!(value, Value::Str(text) if text.len() > length);
                if is_long {
                    *value = Value::from("cut");
                }
                is_long
            };
            ours.change_longer(length, |_, value| short(value));
            for (_, value) in model {
                short(value);
            }
        }
    }
}

fn set(model: &mut Vec<(Key, Value)>, key: &str, value: Value) {
    match model.iter_mut().find(|(name, _)| name == key) {
        Some((_, old)) => *old = value,
        None => model.push((key.to_owned().into(), value)),
    }
}

/// What a record says whose attributes were written so.
fn recorded(write: impl FnOnce(&mut Encoder<'_>)) -> Vec<(Key, Value)> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 1, &Severity::INFO);
    write(&mut encoder);
    encoder.finish(None, 1, "auditrail.context");
    Record::decode(&bytes).unwrap().attributes
}

fn steps() -> impl Strategy<Value = Step> {
    let key = || 0..KEYS.len();
    prop_oneof![
        (key(), values()).prop_map(|(key, value)| Step::Set(key, value)),
        (key(), ".{0,150}", any::<bool>()).prop_map(|(key, text, in_list)| Step::Put(key, text, in_list)),
        key().prop_map(Step::Remove),
        vec((key(), values()), 0..4).prop_map(Step::TakeOver),
        (0..80_usize).prop_map(Step::Cut),
    ]
}

fn values() -> impl Strategy<Value = Value> {
    prop_oneof![
        ".{0,150}".prop_map(Value::from),
        any::<i64>().prop_map(Value::Int),
        any::<bool>().prop_map(Value::Bool),
        Just(Value::Empty),
        vec(".{0,60}", 0..4).prop_map(Value::from),
    ]
}

/// With a place and without, and the empty one.
const KEYS: [&str; 7] = [
    names::MCP_METHOD_NAME,
    names::GEN_AI_TOOL_NAME,
    names::AUDIT_TARGET_ID,
    names::AUDIT_ACTOR_ID,
    names::USER_NAME,
    "shop.order",
    "",
];

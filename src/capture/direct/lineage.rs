//! Data that were made from other data.

use std::borrow::Cow;

use super::builder::event;
use crate::policy::without_secrets;
use crate::record::{EventName, Value, names};
use crate::trail::Moment;

/// Data that a transformation read or wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataSet {
    uri: String,
    kind: Cow<'static, str>,
    id: Cow<'static, str>,
}

impl DataSet {
    /// The data of that URI. User information, query, parameters and fragment are not recorded.
    pub fn at(uri: &str) -> Self {
        Self { uri: without_secrets(uri).into_owned(), kind: Cow::default(), id: Cow::default() }
    }

    /// Their type, such as `table`.
    #[must_use]
    pub fn kind(self, kind: impl Into<Cow<'static, str>>) -> Self {
        Self { kind: kind.into(), ..self }
    }

    /// Their identifier at that place, such as that of a version.
    #[must_use]
    pub fn id(self, id: impl Into<Cow<'static, str>>) -> Self {
        Self { id: id.into(), ..self }
    }
}

/// Data were made from other data: `auditrail.lineage`. The values at one place of `inputs`, `input_types` and `input_ids` belong
/// together, and so do those of the outputs; a type or an identifier that is not known is an empty text.
#[derive(Debug, Clone)]
#[must_use = "it is recorded by Trail::record"]
pub struct Lineage {
    moment: Moment,
    inputs: Vec<DataSet>,
    outputs: Vec<DataSet>,
}

event!(Lineage, |lineage| lineage.written());

impl Lineage {
    /// A transformation of that name and type, such as `monthly_report` and `aggregation`.
    pub fn by(transformation: impl Into<Cow<'static, str>>, kind: impl Into<Cow<'static, str>>) -> Self {
        let moment = Moment::new(EventName::Lineage);
        Self { moment, inputs: Vec::new(), outputs: Vec::new() }
            .fact(names::AUDITRAIL_LINEAGE_TRANSFORMATION, transformation.into())
            .fact(names::AUDITRAIL_LINEAGE_TRANSFORMATION_TYPE, kind.into())
            .fact(names::AUDIT_ACTION, "TRANSFORM")
    }

    /// Data that it read. Beyond the 64th they are not recorded.
    pub fn input(mut self, data: DataSet) -> Self {
        self.inputs.push(data);
        self
    }

    /// Data that it wrote. Beyond the 64th they are not recorded.
    pub fn output(mut self, data: DataSet) -> Self {
        self.outputs.push(data);
        self
    }

    /// The names, and never the values, of what is known of the data, such as `rows` and `schema_version`.
    pub fn metadata<T: Into<Cow<'static, str>>>(self, names: impl IntoIterator<Item = T>) -> Self {
        self.fact(names::AUDITRAIL_LINEAGE_METADATA, Value::strings(names))
    }

    fn written(self) -> Moment {
        let moment = with(self.moment, self.inputs, &INPUTS);
        with(moment, self.outputs, &OUTPUTS)
    }
}

fn with(moment: Moment, data: Vec<DataSet>, [uris, kinds, ids]: &[&'static str; 3]) -> Moment {
    if data.is_empty() {
        return moment;
    }
    let all = |of: fn(&DataSet) -> Cow<'static, str>| Value::strings(data.iter().take(MOST).map(of));
    let is_known = |of: fn(&DataSet) -> &Cow<'static, str>| data.iter().any(|data| !of(data).is_empty());
    let mut moment = moment.own(uris, all(|data| data.uri.clone().into()));
    if is_known(|data| &data.kind) {
        moment = moment.own(kinds, all(|data| data.kind.clone()));
    }
    if is_known(|data| &data.id) {
        moment = moment.own(ids, all(|data| data.id.clone()));
    }
    moment
}

const INPUTS: [&str; 3] =
    [names::AUDITRAIL_LINEAGE_INPUTS, names::AUDITRAIL_LINEAGE_INPUT_TYPES, names::AUDITRAIL_LINEAGE_INPUT_IDS];
const OUTPUTS: [&str; 3] =
    [names::AUDITRAIL_LINEAGE_OUTPUTS, names::AUDITRAIL_LINEAGE_OUTPUT_TYPES, names::AUDITRAIL_LINEAGE_OUTPUT_IDS];
/// A record has to be small enough for every collector.
const MOST: usize = 64;

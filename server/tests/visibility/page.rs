//! `docs/visibility.md`.

/// What each point of view recorded of one event.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) wrapper: Vec<String>,
    pub(crate) tap: Vec<String>,
    pub(crate) both: Vec<String>,
    pub(crate) proxy: Vec<String>,
}

impl Seen {
    /// The server works on several messages at once, so their records come in no certain order: what is there as it is expected
    /// is put into the order of what is expected.
    pub(crate) fn arranged_as(mut self, expected: [&[&str]; 4]) -> Self {
        let views = [&mut self.wrapper, &mut self.tap, &mut self.both, &mut self.proxy];
        for (seen, expected) in views.into_iter().zip(expected) {
            let place = |record: &String| expected.iter().position(|expected| expected == record);
            seen.sort_by_key(|record| place(record).unwrap_or(expected.len()));
        }
        self
    }
}

#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) event: &'static str,
    pub(crate) seen: Seen,
}

/// The page says what is so.
pub(crate) fn check(parts: &[(&str, &[Row])]) {
    let mut page = HEAD.to_owned();
    for (transport, rows) in parts {
        page.push_str(&format!(
            "\n## {transport}\n\n| event | wrapper alone | tap alone | both | proxy |\n|---|---|---|---|---|\n"
        ));
        for Row { event, seen } in *rows {
            let [wrapper, tap] = [&seen.wrapper, &seen.tap].map(|records| cell(records));
            let as_the_tap =
                |records: &Vec<String>| if *records == seen.tap { "as the tap".to_owned() } else { cell(records) };
            let [both, proxy] = [&seen.both, &seen.proxy].map(as_the_tap);
            page.push_str(&format!("| {event} | {wrapper} | {tap} | {both} | {proxy} |\n"));
        }
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/visibility.md");
    if std::env::var_os("REGENERATE").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    println!("{page}");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == page,
        "docs/visibility.md is not what was seen; write it anew with REGENERATE=1 cargo test --test visibility"
    );
}

fn cell(records: &[String]) -> String {
    if records.is_empty() { "**nothing**".into() } else { records.join("<br>") }
}

const HEAD: &str = "\
# What each point of view sees

`REGENERATE=1 cargo test --test visibility` writes this page: it plays each event against a real rmcp server, and without
`REGENERATE` it fails if the page differs. The *wrapper* is `Trail::audited`. The *tap* is `Trail::tap` on the byte streams, or
`Trail::mcp_layer` on HTTP; `Trail::serve_stdio` sets up both. The *proxy* is `auditrail proxy` in front of the same server without
auditrail in it, as a process or over HTTP.

A cell lists the records: `method (subject): outcome detail` is one pair, request and response; `moment` is a single record, and so
is a `decision` ([decisions](record.md#decisions)). Messages that the server handles concurrently can come in another order. The
handshake is left out.

A handler that is annotated by hand, behind a tap and without the wrapper, is recorded twice, by the tap and by its span, as calls of two
traces: nothing in the span says which message it answers, and a wrong join would be worse than none. Wrap the server, too
(`Trail::audited`; over stdio `behind` the tap): then there is one pair, and annotated spans add to it.
";

//! A corpus, a victim, and each way of the proxy in turn.

use std::collections::BTreeSet;

use libtest_mimic::Trial;
use tempfile::TempDir;

use crate::chance::{Chance, Limits};
use crate::corpus::Entry;
use crate::known::Known;
use crate::peers::{Peers, trial};
use crate::proxy::Way;
use crate::verdict::{differences, numbers};
use crate::victim::{Answers, Victim, ran};
use crate::{bodies, lines, stories, streams};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carrier {
    Lines,
    Bodies,
    /// Bodies that are answered with event streams.
    Events,
}

impl Carrier {
    const fn name(self) -> &'static str {
        match self {
            Self::Lines => "lines",
            Self::Bodies => "bodies",
            Self::Events => "events",
        }
    }

    pub(crate) fn takes(self, entry: &Entry) -> bool {
        match self {
            Self::Lines => entry.goes_over_lines(),
            Self::Bodies | Self::Events => entry.goes_over_bodies(),
        }
    }
}

pub(crate) fn trials() -> Vec<Trial> {
    let lines = Victim::OVER_LINES.map(|victim| (victim, Carrier::Lines));
    let bodies = Victim::OVER_BODIES.map(|victim| (victim, Carrier::Bodies));
    let events = Victim::OVER_EVENTS.map(|victim| (victim, Carrier::Events));
    let all: Vec<_> = lines.into_iter().chain(bodies).chain(events).collect();
    let corpora = all.iter().map(|&(victim, carrier)| {
        let name = format!("corpus_{}_{}", victim.name(), carrier.name());
        trial(&name, victim.needs(), move |peers| corpus(victim, carrier, peers))
    });
    let limits = Limits::of_the_environment(all.len() + 8);
    let chances = all.iter().map(|&(victim, carrier)| {
        let name = format!("chance_{}_{}", victim.name(), carrier.name());
        trial(&name, victim.needs(), move |peers| chance(victim, carrier, peers, limits))
    });
    let streams = [
        trial("corpus_streams", streams::NEEDS, corpus_of_streams),
        trial("chance_streams", streams::NEEDS, move |peers| chance_of_streams(peers, limits)),
    ];
    let stories = Victim::WITH_SESSIONS.map(|victim| {
        trial(&format!("stories_{}", victim.name()), victim.needs(), move |peers| stories(victim, peers))
    });
    let stories = stories.into_iter().chain(Victim::WITH_SESSIONS.map(|victim| {
        let name = format!("chance_stories_{}", victim.name());
        trial(&name, victim.needs(), move |peers| chance_of_stories(victim, peers, limits))
    }));
    corpora.chain(chances).chain(streams).chain(stories).collect()
}

/// What stands in the files: what is otherwise is known, and what is known is otherwise.
async fn corpus(victim: Victim, carrier: Carrier, peers: Peers) {
    let (known, mut seen, mut new) = (Known::read(), Vec::new(), Vec::new());
    let entries = Entry::all();
    let entries: Vec<_> = entries.iter().filter(|entry| carrier.takes(entry)).enumerate().collect();
    for way in Way::ALL {
        let (found, ran) = round(victim, carrier, way, &entries, &peers).await;
        tell(victim, carrier, way, &entries, &ran);
        if way != Way::Shut {
            assert!(ran.contains(&0), "{}: the plain call does not run {}", victim.name(), way.name());
        }
        for (number, wrong) in found {
            let entry = number.and_then(|number| Some(entries.get(number)?.1.name.as_str())).unwrap_or("?");
            let what = format!("{} {} {} {entry}", victim.name(), carrier.name(), way.name());
            if !known.has(&what) {
                new.push(format!("{what}: {wrong}"));
            }
            seen.push(what);
        }
    }
    let mended = known.beside(&seen, &format!("{} {} ", victim.name(), carrier.name()));
    assert!(new.is_empty(), "what ran is not what was recorded:\n{}", new.join("\n"));
    assert!(mended.is_empty(), "not otherwise any more, strike it off known.txt: {mended:#?}");
}

/// For whoever wants to know what this server runs: with `AUDITRAIL_DIFFERENTIAL_RAN`, a line for each entry that it ran.
fn tell(victim: Victim, carrier: Carrier, way: Way, entries: &[(usize, &Entry)], ran: &BTreeSet<usize>) {
    if std::env::var_os("AUDITRAIL_DIFFERENTIAL_RAN").is_some() {
        for (_, entry) in entries.iter().filter(|(number, _)| ran.contains(number)) {
            eprintln!("ran {} {} {} {}", victim.name(), carrier.name(), way.name(), entry.name);
        }
    }
}

/// What comes of that by chance. What is known to be otherwise is not a beginning for it.
async fn chance(victim: Victim, carrier: Carrier, peers: Peers, limits: Limits) {
    let known = Known::read();
    let named = |way: Way, entry: &str| format!("{} {} {} {entry}", victim.name(), carrier.name(), way.name());
    let is_known = |entry: &Entry| Way::ALL.into_iter().any(|way| known.has(&named(way, &entry.name)));
    let entries = Entry::all().into_iter().filter(|entry| carrier.takes(entry) && !is_known(entry)).collect();
    let mut chance = Chance::new(limits, entries, carrier != Carrier::Lines);
    while let Some(made) = chance.round() {
        let (made, mut new) = (made.iter().enumerate().collect::<Vec<_>>(), String::new());
        for way in Way::ALL.into_iter().filter(|way| !known.has(&named(*way, "*"))) {
            let (found, _) = round(victim, carrier, way, &made, &peers).await;
            if let Some((number, wrong)) = found.first() {
                let few = fewest((victim, carrier, way), *number, &made, &peers).await;
                let texts: String = few.iter().map(|(number, entry)| format!("# {number}\n{}", entry.text())).collect();
                new += &format!("{}, with:\n{texts}\n", named(way, wrong));
            }
        }
        assert!(new.is_empty(), "seed {}: what ran is not what was recorded:\n{new}", limits.seed);
    }
    eprintln!("seed {}: {} messages to {} over {}", limits.seed, chance.count(), victim.name(), carrier.name());
}

/// The streams of events that stand in the files.
async fn corpus_of_streams(peers: Peers) {
    let entries = Entry::streams();
    let found = streams::differences(&entries, &peers).await;
    let found: Vec<_> = found.iter().map(|(number, wrong)| format!("{}: {wrong}", entries[*number].name)).collect();
    assert!(found.is_empty(), "what was understood is not what was recorded:\n{}", found.join("\n"));
}

/// What happens in sessions, as `corpus/stories.txt` tells it.
async fn stories(victim: Victim, peers: Peers) {
    let known = Known::read();
    let (mut seen, mut new) = (Vec::new(), Vec::new());
    for wrong in stories::differences(victim, &stories::corpus(), &peers).await {
        let what = format!("{} stories open {}", victim.name(), wrong.split(':').next().unwrap_or_default());
        if !known.has(&what) {
            new.push(wrong);
        }
        seen.push(what);
    }
    let mended = known.beside(&seen, &format!("{} stories ", victim.name()));
    assert!(new.is_empty(), "{}: what ran is not what was recorded:\n{}", victim.name(), new.join("\n"));
    assert!(mended.is_empty(), "not otherwise any more, strike it off known.txt: {mended:#?}");
}

async fn chance_of_stories(victim: Victim, peers: Peers, limits: Limits) {
    let mut chance = Chance::new(limits, Vec::new(), true);
    while let Some(made) = chance.round_of_stories() {
        let wrong = stories::differences(victim, &made, &peers).await;
        let texts: String = made.iter().map(|(name, steps)| format!("= {name}\n{}\n", steps.join("\n"))).collect();
        assert!(wrong.is_empty(), "seed {} {}: {}\n{texts}", limits.seed, victim.name(), wrong.join("\n"));
    }
    eprintln!("seed {}: {} stories of {}", limits.seed, chance.count(), victim.name());
}

async fn chance_of_streams(peers: Peers, limits: Limits) {
    let mut chance = Chance::new(limits, Vec::new(), true);
    while let Some(made) = chance.round_of_streams() {
        let found = streams::differences(&made, &peers).await;
        let found: Vec<_> = found.iter().map(|(number, wrong)| format!("{wrong}\n{}", made[*number].text())).collect();
        assert!(found.is_empty(), "seed {}: not as it was understood:\n{}", limits.seed, found.join("\n"));
    }
    eprintln!("seed {}: {} streams", limits.seed, chance.count());
}

/// As few of them as still show a difference in that one, in the order in which they were sent: what comes before a message may be
/// what makes it differ.
async fn fewest<'a>(
    (victim, carrier, way): (Victim, Carrier, Way),
    number: Option<usize>,
    all: &[(usize, &'a Entry)],
    peers: &Peers,
) -> Vec<(usize, &'a Entry)> {
    let (mut few, mut piece) = (all.to_vec(), all.len().div_ceil(2));
    while piece > 0 {
        let (mut at, before) = (0, few.len());
        while at < few.len() && few.len() > 1 {
            let end = few.len().min(at + piece);
            let rest = [&few[..at], &few[end..]].concat();
            let (found, _) = round(victim, carrier, way, &rest, peers).await;
            if found.iter().any(|(found, _)| *found == number) {
                few = rest;
            } else {
                at = end;
            }
        }
        piece = if piece == 1 && few.len() < before { 1 } else { piece / 2 };
    }
    few
}

async fn round(
    victim: Victim,
    carrier: Carrier,
    way: Way,
    entries: &[(usize, &Entry)],
    peers: &Peers,
) -> (Vec<(Option<usize>, String)>, BTreeSet<usize>) {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("ran");
    let records = match carrier {
        Carrier::Lines => lines::send(victim, way, entries, peers, &file).await,
        Carrier::Bodies => bodies::send((victim, Answers::Json), way, entries, peers, &file).await,
        Carrier::Events => bodies::send((victim, Answers::Events), way, entries, peers, &file).await,
    };
    let ran = ran(&file);
    (differences(way, &ran, &records), numbers(&ran))
}

//! What the keeper does with changes, on a disk, beside another program.

use super::*;
use crate::change::{self, Account, Ban, Presence, Rank, Target};
use crate::chat::archive::{Archive, Kind, Utterance};
use crate::chat::club::handed::Handed;
use crate::data::directory::database_in;
use crate::data::erasing::{self, Erasure, Extent};
use crate::data::queue::{Archivist, queue};
use crate::data::roll::{self, tests::changes};
use crate::name::Name;
use crate::text::Lines;
use crate::units::MIB;
use proptest::collection::vec;
use proptest::prelude::*;
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs, process};

struct Disk {
    path: PathBuf,
    keeper: Keeper,
    archivist: Archivist,
    change: Box<dyn FnMut(Change) + Send>,
}

impl Disk {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("chatd-test-keeper-{}-{number}", process::id()));
        let directory = Directory::open(&path).unwrap();
        let quota = Quota::new(64 * MIB);
        let keep = Duration::from_secs(3600);
        let (archivist, queue, load) = queue(keep, Vec::new());
        let mut keeper = Keeper {
            store: Some(Store::open(&directory, quota, &Roll::default()).unwrap()),
            directory,
            queue,
            load,
            readers: Readers::new(&path),
            quota,
            cleaner: Cleaner::new(keep, Duration::from_secs(3600)),
            roll: Roll::default(),
            state: State::default(),
        };
        keeper.tick();
        Self {
            path,
            change: Box::new(archivist.changes()),
            keeper,
            archivist,
        }
    }

    /// Another program's connection.
    fn other(&self) -> Connection {
        Connection::open(database_in(&self.path)).unwrap()
    }

    fn say(&mut self, name: &str, text: &str) {
        let mut lines = Lines::with_capacity(text.len());
        lines.push_raw(text.as_bytes());
        self.archivist.keep(Utterance {
            time: Timestamp::now(),
            name: Name::parse(name).unwrap(),
            kind: Kind::Said,
            lines,
        });
    }

    /// What the broadcaster is told.
    fn told(&mut self) -> Vec<Change> {
        let foreign = self.keeper.state.untold.drain(..);
        foreign.flat_map(|foreign| foreign.changes).collect()
    }

    /// What the rows say that were not erased.
    fn column(&self, column: &str) -> Vec<String> {
        let query =
            format!("SELECT {column} || '' FROM lines WHERE typeof(name) = 'text' ORDER BY n");
        let other = self.other();
        let mut statement = other.prepare(&query).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn account(name: &str) -> Account {
    Account {
        name: Name::parse(name).unwrap(),
        hash: "x".into(),
        rank: Rank::Member,
        last_here: None,
    }
}

fn all_of(name: &str) -> Erasure {
    Erasure {
        name: name.to_owned(),
        extent: Extent::Between {
            since: 0,
            until: i64::MAX,
            from: 0,
        },
    }
}

fn erased(name: &str, count: usize) -> Change {
    Change::Erased(change::Erasure {
        name: name.to_owned(),
        since: None,
        until: None,
        count: Some(count),
    })
}

#[test]
fn a_line_knows_whether_its_name_belonged_to_an_account_when_it_was_said() {
    let mut disk = Disk::new();
    disk.say("alice", "before");
    (disk.change)(Change::Account(account("alice")));
    disk.say("alice", "hers");
    disk.say("bob", "a guest's");
    (disk.change)(Change::AccountRemoved(account("alice").name));
    disk.say("alice", "after");
    disk.keeper.write_all(|| false);
    assert_eq!(disk.column("account"), ["0", "1", "0", "0"]);
}

#[test]
fn erase_takes_the_last_lines_said_under_that_very_name_before_it_in_the_queue_too() {
    let mut disk = Disk::new();
    disk.say("alice", "1");
    disk.say("bob", "2");
    disk.keeper.write_all(|| false);
    disk.say("Alice", "3");
    disk.say("alice", "4");
    disk.say("alice", "5");
    (disk.change)(erased("alice", 2));
    disk.say("alice", "6");
    disk.keeper.write_all(|| false);
    assert_eq!(disk.column("text"), ["1", "2", "3", "6"]);
    (disk.change)(erased("alice", 99));
    (disk.change)(erased("eve", 1));
    disk.keeper.write_all(|| false);
    assert_eq!(disk.column("text"), ["2", "3"]);
}

#[test]
fn an_erasure_that_the_end_of_the_server_cut_off_goes_on_and_the_chat_is_told_of_what_was_left() {
    let mut disk = Disk::new();
    for number in 0..12_000 {
        disk.say(["alice", "bob"][number % 2], &number.to_string());
    }
    disk.keeper.write_all(|| false);
    let store = disk.keeper.store.as_mut().unwrap();
    let order = [Kept::Changed(1, erased("alice", 5_500))];
    let outcome = store.write(&order, &Roll::default()).unwrap();
    let [mut noted] = <[_; 1]>::try_from(outcome.noted).unwrap();
    noted.1 = store.erase(&noted).unwrap().unwrap();
    // Another server begins.
    disk.keeper.store = None;
    disk.keeper.state = State::default();
    disk.keeper.cleaner = Cleaner::new(Duration::from_secs(3600), Duration::from_secs(3600));
    disk.keeper.tick();
    let is_left = |change: &Change| match change {
        Change::Erased(erasure) => erasure.count == Some(500),
        _ => false,
    };
    let told = disk.told();
    assert!(told.iter().all(is_left), "{told:?}");
    assert_eq!(told.len(), 1);
    disk.say("alice", "after");
    disk.keeper.write_all(|| false);
    disk.keeper.tick();
    let names = disk.column("name");
    let alices = names.iter().filter(|name| *name == "alice").count();
    assert_eq!((names.len(), alices), (6_501, 501));
    assert_eq!(disk.column("text")[0], "0");
    assert_eq!(disk.column("text").pop().as_deref(), Some("after"));
    assert_eq!(erasing::noted(&disk.other()).unwrap(), []);
}

#[test]
fn memory_is_filled_without_what_is_still_to_be_erased_and_with_what_was_said_before_that() {
    let mut disk = Disk::new();
    disk.say("alice", "long ago");
    for _ in 0..20_000 {
        disk.say("eve", "spam");
    }
    for number in 0..6 {
        disk.say(["alice", "bob"][number % 2], &number.to_string());
    }
    disk.keeper.write_all(|| false);
    disk.keeper.cleaner.erase((1, all_of("eve")));
    disk.keeper.clean();
    while disk.keeper.cleaner.has_more {
        disk.keeper.clean();
    }
    let other = disk.other();
    let last = |before| Erasure {
        name: "alice".to_owned(),
        extent: Extent::Last { count: 1, before },
    };
    for erasure in [last(20_008), last(20_008), all_of("bob")] {
        erasing::note(&other, &erasure).unwrap();
    }
    let store = disk.keeper.store.as_ref().unwrap();
    let recalled = store.recall(&store.noted().unwrap()).unwrap();
    let texts = recalled.iter().map(|line| line.text.as_str());
    assert_eq!(texts.collect::<Vec<_>>(), ["long ago", "0"]);
}

#[test]
fn an_account_that_looks_like_another_programs_is_refused_and_the_broadcaster_is_told() {
    let mut disk = Disk::new();
    let other = disk.other();
    roll::write(&other, &Change::Account(account("bob"))).unwrap();
    (disk.change)(Change::Account(account("B0B")));
    disk.keeper.tick();
    let names = disk.keeper.roll.accounts.keys();
    assert_eq!(names.collect::<Vec<_>>(), ["bob"]);
    let removed = Change::AccountRemoved(account("B0B").name);
    let told = [removed, Change::Account(account("bob"))];
    assert_eq!(disk.told(), told);
}

#[test]
fn who_was_refused_an_account_does_not_change_the_password_of_its_owner() {
    let mut disk = Disk::new();
    let other = disk.other();
    roll::write(&other, &Change::Account(account("bob"))).unwrap();
    let password =
        |old: &str, new: &str| Change::Password(account("bob").name, old.into(), new.into());
    (disk.change)(Change::Account(Account {
        hash: "first".into(),
        ..account("bob")
    }));
    (disk.change)(password("first", "second"));
    disk.keeper.tick();
    (disk.change)(password("second", "third"));
    disk.keeper.tick();
    let written = Roll::read(&other, &Roll::default()).unwrap();
    assert_eq!(&*written.accounts["bob"].hash, "x");
    assert_eq!(disk.told().pop(), Some(Change::Account(account("bob"))));
}

#[test]
fn a_ban_that_is_over_is_taken_away_and_one_that_another_program_has_renewed_is_not() {
    let mut disk = Disk::new();
    let what = Target::Account(account("bob").name);
    let ban = |until| Ban {
        what: what.clone(),
        whose: None,
        made: Timestamp::UNIX_EPOCH,
        until,
        by: account("olga").name,
        text: None,
    };
    let bans = |disk: &Disk| Roll::read(&disk.other(), &Roll::default()).unwrap().bans;
    (disk.change)(Change::Ban(ban(Some(Timestamp::UNIX_EPOCH))));
    disk.keeper.write_all(|| true);
    let renewed = Change::Ban(ban(None));
    // The keeper does not know yet.
    roll::write(&disk.other(), &renewed).unwrap();
    let store = disk.keeper.store.as_ref().unwrap();
    store.forget_bans(Timestamp::now()).unwrap();
    assert_eq!(bans(&disk).len(), 1);
    disk.keeper.tick();
    assert_eq!(disk.told(), [renewed]);
    (disk.change)(Change::Ban(ban(Some(Timestamp::UNIX_EPOCH))));
    disk.keeper.tick();
    assert_eq!(bans(&disk), BTreeMap::new());
    assert_eq!(disk.told(), [Change::BanRemoved(what.clone())]);
}

#[test]
fn changes_that_the_disk_refuses_are_kept_until_they_are_written() {
    let mut disk = Disk::new();
    let other = disk.other();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    (disk.change)(Change::Account(account("alice")));
    (disk.change)(Change::Account(account("bob")));
    disk.keeper.tick();
    assert_eq!(disk.keeper.load.changes(), 2);
    assert_eq!(disk.keeper.roll, Roll::default());
    other.execute_batch("COMMIT").unwrap();
    disk.keeper.tick();
    assert_eq!(disk.keeper.load.changes(), 0);
    let written = Roll::read(&other, &Roll::default()).unwrap();
    assert_eq!(written, disk.keeper.roll);
    assert_eq!(written.accounts.len(), 2);
    assert_eq!(disk.told(), [], "nobody else has changed anything");
}

#[test]
fn changes_are_never_pushed_out_of_the_queue() {
    let mut disk = Disk::new();
    let line = "x".repeat(1 << 20);
    for _ in 0..20 {
        disk.say("alice", &line);
    }
    assert!(disk.keeper.queue.len() < 20, "it is full");
    for name in ["bob", "carol"] {
        (disk.change)(Change::Account(account(name)));
    }
    disk.keeper.write_all(|| false);
    assert_eq!(disk.keeper.roll.accounts.len(), 2);
    assert_eq!(
        Roll::read(&disk.other(), &Roll::default()).unwrap(),
        disk.keeper.roll
    );
}

#[test]
fn in_an_outage_only_the_last_password_of_an_account_waits() {
    let mut disk = Disk::new();
    let other = disk.other();
    (disk.change)(Change::Account(account("alice")));
    (disk.change)(Change::Account(account("bob")));
    disk.keeper.tick();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    for number in 0..1_000 {
        let Account { name, hash, .. } = account(["alice", "bob"][number % 2]);
        let old = number.checked_sub(2).map(|old| old.to_string().into());
        let new = number.to_string().into();
        (disk.change)(Change::Password(name.clone(), old.unwrap_or(hash), new));
        disk.say("bob", "hello");
        (disk.change)(Change::WasHere(name, Timestamp::now(), Presence::HasLeft));
    }
    disk.keeper.tick();
    assert_eq!(disk.keeper.load.changes(), 4);
    assert_eq!(disk.keeper.load.lines(), 1_000);
    other.execute_batch("COMMIT").unwrap();
    disk.keeper.write_all(|| false);
    assert_eq!(
        (disk.keeper.load.changes(), disk.keeper.load.lines()),
        (0, 0)
    );
    assert_eq!(disk.column("text").len(), 1_000);
    let written = Roll::read(&other, &Roll::default()).unwrap();
    assert_eq!(&*written.accounts["alice"].hash, "998");
    assert_eq!(&*written.accounts["bob"].hash, "999");
    assert_eq!(written, disk.keeper.roll);
}

/// Something happens.
#[derive(Debug, Clone)]
enum Step {
    /// The broadcaster changes something, as far as it can.
    Own(Change),
    /// Another program does.
    Other(Change),
    /// The keeper writes and looks, and tells the broadcaster.
    Tick,
    /// The broadcaster takes what it was told first.
    Take,
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        changes().prop_map(Step::Own),
        changes().prop_map(Step::Other),
        Just(Step::Tick),
        Just(Step::Take),
    ]
}

/// What a broadcaster can do that has this copy.
fn can(copy: &Roll, change: &Change) -> bool {
    let has = |name: &Name| copy.accounts.contains_key(name.letters());
    match change {
        Change::Account(account) => copy.owning(&account.name).is_none(),
        Change::WasHere(name, ..) => has(name),
        Change::AccountRemoved(_) | Change::Rank(..) => false,
        _ => true,
    }
}

/// The broadcaster may know better when somebody was here.
fn without_times(mut roll: Roll) -> Roll {
    for account in roll.accounts.values_mut() {
        account.last_here = None;
    }
    roll
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn the_broadcaster_ends_with_what_is_in_the_database_whoever_changes_what_meanwhile(
        steps in vec(steps(), 0..24),
    ) {
        let mut disk = Disk::new();
        let other = disk.other();
        other.execute_batch("PRAGMA synchronous=OFF").unwrap();
        let change = std::mem::replace(&mut disk.change, Box::new(drop));
        let mut handed = Handed::new(change);
        let (mut copy, mut told) = (Roll::default(), VecDeque::new());
        let end = [Step::Tick, Step::Tick].into_iter();
        for step in steps.into_iter().chain(end) {
            match step {
                // Who changes a password has given the one that the broadcaster knows.
                Step::Own(Change::Password(name, _, new)) => {
                    if let Some(account) = copy.accounts.get(name.letters()) {
                        let change = Change::Password(name, account.hash.clone(), new);
                        copy.apply(&change);
                        handed.hand(change);
                    }
                }
                Step::Own(change) if can(&copy, &change) => {
                    copy.apply(&change);
                    handed.hand(change);
                }
                Step::Own(_) => {}
                Step::Other(change) => {
                    let there = Roll::read(&other, &Roll::default()).unwrap();
                    let is_refused = match &change {
                        Change::Account(account) => there.owning(&account.name).is_some(),
                        _ => false,
                    };
                    if !is_refused {
                        roll::write(&other, &change).unwrap();
                    }
                }
                Step::Tick => {
                    disk.keeper.tick();
                    told.append(&mut disk.keeper.state.untold);
                }
                Step::Take => {
                    for change in told.pop_front().into_iter().flat_map(|told| handed.lasting(told)) {
                        copy.apply(&change);
                    }
                }
            }
        }
        for change in told.into_iter().flat_map(|told| handed.lasting(told)) {
            copy.apply(&change);
        }
        let written = Roll::read(&other, &Roll::default()).unwrap();
        prop_assert_eq!(&disk.keeper.roll, &written);
        let owners = written.accounts.values().map(|account| written.owning(&account.name));
        prop_assert!(owners.eq(written.accounts.values().map(Some)), "two look alike");
        prop_assert_eq!(without_times(copy), without_times(written));
    }
}

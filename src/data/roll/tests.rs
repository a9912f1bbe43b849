//! The comparison of two rolls, and a roll in memory against one in a database.

use super::*;
use crate::change::Erasure;
use crate::data::schema::TABLES;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

const NAMES: [&str; 5] = ["alice", "bob", "B0B", "שרה", "Tokyo東京"];
const NETWORKS: [&str; 4] = [
    "192.0.2.1/32",
    "192.0.2.0/24",
    "2001:db8::/64",
    "2001:db8::1/128",
];

fn database() -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch(TABLES).unwrap();
    connection
}

fn times() -> impl Strategy<Value = Timestamp> {
    (-2_i64..3).prop_map(|at| Timestamp::from_millisecond(at).unwrap())
}

fn names() -> impl Strategy<Value = Name> {
    (0..NAMES.len()).prop_map(|at| Name::parse(NAMES[at]).unwrap())
}

fn hashes() -> impl Strategy<Value = std::sync::Arc<str>> {
    "[xyz]".prop_map(Into::into)
}

fn targets() -> impl Strategy<Value = Target> {
    prop_oneof![
        names().prop_map(Target::Account),
        (0..NETWORKS.len()).prop_map(|at| Target::Network(NETWORKS[at].parse().unwrap())),
    ]
}

fn ranks() -> impl Strategy<Value = Rank> {
    prop_oneof![Just(Rank::Member), Just(Rank::Operator)]
}

fn accounts() -> impl Strategy<Value = Account> {
    let parts = (names(), hashes(), ranks(), option::of(times()));
    parts.prop_map(|(name, hash, rank, last_here)| Account {
        name,
        hash,
        rank,
        last_here,
    })
}

fn bans() -> impl Strategy<Value = Ban> {
    let texts = option::of("[a\" ]{0,3}".prop_map(|text| Line::new(&text)));
    let whose = option::of(names());
    let parts = (
        targets(),
        whose,
        times(),
        option::of(times()),
        names(),
        texts,
    );
    parts.prop_map(|(what, whose, made, until, by, text)| Ban {
        what,
        whose,
        made,
        until,
        by,
        text,
    })
}

/// Any of some accounts and bans, so few that they meet.
pub fn changes() -> impl Strategy<Value = Change> {
    prop_oneof![
        3 => accounts().prop_map(Change::Account),
        1 => names().prop_map(Change::AccountRemoved),
        1 => (names(), hashes(), hashes())
            .prop_map(|(name, old, new)| Change::Password(name, old, new)),
        1 => (names(), ranks()).prop_map(|(name, rank)| Change::Rank(name, rank)),
        1 => (names(), times()).prop_map(|(name, at)| Change::WasHere(name, at, Presence::HasLeft)),
        2 => bans().prop_map(Change::Ban),
        1 => targets().prop_map(Change::BanRemoved),
        1 => names().prop_map(|name| Change::Erased(Erasure {
            name: name.letters().to_owned(),
            since: None,
            until: None,
            count: Some(1),
        })),
    ]
}

fn rolls() -> impl Strategy<Value = Roll> {
    vec(changes(), 0..12).prop_map(|changes| {
        let mut roll = Roll::default();
        for change in &changes {
            roll.apply(change);
        }
        roll
    })
}

proptest! {
    #[test]
    fn a_database_becomes_what_a_roll_in_memory_becomes(changes in vec(changes(), 0..30)) {
        let (connection, mut roll) = (database(), Roll::default());
        for change in changes {
            if write(&connection, &change).unwrap() > 0 {
                roll.apply(&change);
            }
            let read = Roll::read(&connection, &Roll::default()).unwrap();
            prop_assert_eq!(&read, &roll, "after {:?}", change);
            prop_assert_eq!(Roll::read(&connection, &read).unwrap(), read);
        }
    }

    #[test]
    fn what_has_changed_makes_the_one_roll_the_other(old in rolls(), new in rolls()) {
        let changes = old.changes_to(&new);
        let mut changed = old.clone();
        for change in &changes {
            let before = changed.clone();
            changed.apply(change);
            prop_assert!(changed != before, "this changes nothing: {:?}", change);
        }
        prop_assert_eq!(changed, new);
    }

    #[test]
    fn all_of_a_roll_is_written_where_nothing_of_it_is(roll in rolls()) {
        let connection = database();
        for change in roll.changes() {
            prop_assert_eq!(write(&connection, &change).unwrap(), 1);
        }
        prop_assert_eq!(Roll::read(&connection, &Roll::default()).unwrap(), roll);
    }
}

#[test]
fn a_change_of_one_thing_says_nothing_of_the_others() {
    let name = Name::parse("alice").unwrap();
    let mut old = Roll::default();
    old.apply(&Change::Account(Account {
        name: name.clone(),
        hash: "x".into(),
        rank: Rank::Member,
        last_here: None,
    }));
    let at = Timestamp::from_second(1).unwrap();
    for change in [
        Change::Password(name.clone(), "x".into(), "y".into()),
        Change::Rank(name.clone(), Rank::Operator),
        Change::WasHere(name, at, Presence::HasLeft),
    ] {
        let mut new = old.clone();
        new.apply(&change);
        assert_eq!(old.changes_to(&new), [change]);
    }
}

#[test]
fn what_nobody_can_be_called_is_left_out() {
    let connection = database();
    let rows = "INSERT INTO accounts(name, hash, is_operator, last_here) VALUES('a b', 'x', 0, NULL), ('admin', 'x', 1, NULL),
        ('alice', 'x', 0, 9223372036854775807);
        INSERT INTO bans(what, made, by) VALUES('a b', 0, 'chatd'), ('eve', 0, 'a b'),
        ('bob', 0, 'chatd')";
    connection.execute_batch(rows).unwrap();
    let roll = Roll::read(&connection, &Roll::default()).unwrap();
    assert_eq!(roll.accounts.keys().collect::<Vec<_>>(), ["alice"]);
    assert_eq!(roll.accounts["alice"].last_here, None);
    assert_eq!(roll.bans.keys().collect::<Vec<_>>(), ["bob"]);
}

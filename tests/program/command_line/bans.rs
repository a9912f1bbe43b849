//! `chatd ban`.

use crate::kit::DataDir;

use super::{done, refused, running_and_stopped};

#[test]
fn bans_are_made_listed_and_removed_on_a_running_and_a_stopped_server() {
    running_and_stopped(|directory| {
        done(directory, &["user", "add", "bob"]);
        assert_eq!(done(directory, &["ban", "list"]), "");
        for (what, listed) in [
            ("192.0.2.1", "192.0.2.1"),
            ("192.0.2.77/24", "192.0.2.0/24"),
            ("::ffff:192.0.2.9", "192.0.2.9"),
            ("2001:db8::1", "2001:db8::/64"),
            ("2001:db8::1/128", "2001:db8::1/128"),
            ("bob", "bob"),
        ] {
            assert_eq!(done(directory, &["ban", "add", what]), "");
            let list = done(directory, &["ban", "list"]);
            assert_eq!(list, format!("{listed} by chatd\n"));
            // As it is listed, it can be removed.
            assert_eq!(done(directory, &["ban", "remove", listed]), "");
            assert_eq!(done(directory, &["ban", "list"]), "");
        }
        done(directory, &["user", "remove", "bob"]);
    });
}

#[test]
fn a_ban_for_a_time_is_listed_with_its_end_until_then() {
    let directory = DataDir::new();
    done(&directory, &["user", "add", "alice"]);
    done(&directory, &["ban", "add", "192.0.2.1", "--for", "30d"]);
    done(&directory, &["ban", "add", "192.0.2.2", "--for", "1ms"]);
    let list = done(&directory, &["ban", "list"]);
    let (before, after) = list.split_once(" until 2").expect("an end");
    assert_eq!(before, "192.0.2.1", "{list}");
    assert!(after.ends_with("Z by chatd\n"), "{list}");
    // In place of the one before.
    done(&directory, &["ban", "add", "192.0.2.1"]);
    assert_eq!(done(&directory, &["ban", "list"]), "192.0.2.1 by chatd\n");
}

#[test]
fn what_somebody_gave_as_the_reason_stands_last_and_in_quotes() {
    let directory = DataDir::new();
    done(&directory, &["user", "add", "alice"]);
    let insert = "INSERT INTO bans(what, made, by, text) VALUES
        ('192.0.2.1/32', 0, 'alice', 'so \"long\" ' || char(27) || '[2J')";
    directory.database().execute_batch(insert).unwrap();
    let list = done(&directory, &["ban", "list"]);
    assert_eq!(list, "192.0.2.1 by alice: \"so 'long' \u{fffd}[2J\"\n");
}

#[test]
fn all_bans_of_a_name_are_removed_by_it() {
    let directory = DataDir::new();
    done(&directory, &["user", "add", "bob"]);
    done(&directory, &["ban", "add", "bob"]);
    let insert = "INSERT INTO bans(what, whose, made, by) VALUES
        ('192.0.2.1/32', 'bob', 0, 'alice'), ('192.0.2.2/32', 'gus', 0, 'alice')";
    directory.database().execute_batch(insert).unwrap();
    assert_eq!(
        done(&directory, &["ban", "list"]),
        "192.0.2.1 (bob) by alice\n192.0.2.2 (gus) by alice\nbob by chatd\n"
    );
    done(&directory, &["ban", "remove", "bob"]);
    let left = done(&directory, &["ban", "list"]);
    assert_eq!(left, "192.0.2.2 (gus) by alice\n");
    done(&directory, &["ban", "remove", "gus"]);
    assert_eq!(done(&directory, &["ban", "list"]), "");
}

#[test]
fn what_is_neither_an_account_nor_an_address_is_exit_1() {
    let directory = DataDir::new();
    done(&directory, &["user", "add", "alice"]);
    for what in ["eve", "192.0.2", "192.0.2.1/33", "a b", ""] {
        let line = refused(&directory, &["ban", "add", what]);
        assert!(
            line.contains(what) && line.contains("nor an address"),
            "{line}"
        );
        let line = refused(&directory, &["ban", "remove", what]);
        assert!(line.contains("is not banned"), "{line}");
    }
    assert_eq!(done(&directory, &["ban", "list"]), "");
}

#[test]
fn operators_cannot_be_banned() {
    let directory = DataDir::new();
    done(&directory, &["user", "add", "alice", "--op"]);
    let line = refused(&directory, &["ban", "add", "alice"]);
    assert!(line.contains("operators cannot be banned"), "{line}");
}

#[test]
fn a_ban_outlives_its_account_until_it_is_removed() {
    let directory = DataDir::new();
    done(&directory, &["user", "add", "bob"]);
    done(&directory, &["ban", "add", "bob"]);
    done(&directory, &["user", "remove", "bob"]);
    assert_eq!(done(&directory, &["ban", "list"]), "bob by chatd\n");
    done(&directory, &["ban", "remove", "bob"]);
    assert_eq!(done(&directory, &["ban", "list"]), "");
}

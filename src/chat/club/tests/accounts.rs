//! Section 7: accounts.

use super::*;

#[test]
fn a_name_that_belongs_to_somebody_and_all_that_look_like_it_are_refused_to_others() {
    let mut stage = Stage::new(Policy::Open);
    stage.joined(1);
    for wanted in ["alice", "Alice", "al1ce"] {
        stage.send(1, &format!("/nick {wanted}"));
        stage.reads(1, "-- alice is registered: /login alice\n");
    }
    stage.send(1, "/nick carol");
    stage.reads(1, "-- guest1 is now carol\n");
}

#[test]
fn who_has_a_name_without_being_logged_in_becomes_a_guest_when_the_account_is_made() {
    let mut stage = Stage::new(Policy::Open);
    for client in [1, 2] {
        stage.joined(client);
    }
    stage.send(1, "/nick Carol");
    stage.forget_read();
    let carol = account("carol", Rank::Member);
    stage.told_of(vec![Change::Account(carol)]);
    for client in [1, 2] {
        stage.reads(client, "-- Carol is now guest1\n");
    }
    assert_eq!(stage.take_changes(), [], "others have kept it");
}

#[test]
fn a_login_gives_the_accounts_name_as_it_is_spelt_there() {
    let mut stage = Stage::new(Policy::Open);
    for client in [1, 2] {
        stage.joined(client);
    }
    stage.log_in(1, "ALICE");
    for client in [1, 2] {
        stage.reads(client, "-- guest1 is now alice\n");
    }
}

#[test]
fn a_login_is_refused_if_the_account_no_longer_has_that_hash_or_is_none() {
    let mut stage = Stage::new(Policy::Open);
    for client in [1, 2, 3] {
        stage.joined(client);
    }
    let old = Event::LoggedIn(ClientId(1), name("alice"), "$argon2id$old".into());
    stage.handle(old);
    stage.log_in(2, "carol");
    for client in [1, 2] {
        stage.reads(client, "-- wrong name or password\n");
        stage.has_ended(client);
    }
    stage.wait(SECOND);
    stage.reads(3, "-- guest1, guest2 left\n");
}

#[test]
fn who_is_logged_in_and_asks_for_another_name_is_told_to_connect_again() {
    let mut stage = Stage::new(Policy::Open);
    stage.member(1, "alice");
    let line = "-- you are logged in as alice: connect again to be somebody else\n";
    for wanted in ["carol", "bob", "Alice"] {
        stage.send(1, &format!("/nick {wanted}"));
        stage.reads(1, line);
    }
    stage.log_in(1, "bob");
    stage.reads(1, line);
    stage.register(1, "carol");
    stage.reads(1, line);
    stage.send(1, "/nick alice");
    stage.reads(1, "-- you are alice already\n");
}

#[test]
fn who_logs_in_while_the_account_is_here_ends_the_other_connection() {
    let mut stage = Stage::new(Policy::Open);
    stage.member(1, "alice");
    for client in [2, 3] {
        stage.joined(client);
    }
    stage.log_in(2, "alice");
    stage.reads(1, "-- you logged in elsewhere\n");
    stage.has_ended(1);
    for client in [2, 3] {
        stage.reads(client, "-- alice left\n-- guest2 is now alice\n");
    }
    stage.leave(1, Ending::Closed);
    stage.send(2, "hello");
    stage.reads(3, "<alice> hello\n");
}

#[test]
fn who_logs_in_before_others_know_of_them_arrives_behind_the_departure() {
    let mut stage = Stage::new(Policy::Open);
    stage.member(1, "alice");
    stage.joined(3);
    stage.join(2);
    stage.log_in(2, "alice");
    stage.wait(SECOND);
    stage.reads(3, "-- alice left\n-- alice joined\n");
}

#[test]
fn an_account_is_taken_over_once_in_10_s() {
    let mut stage = Stage::new(Policy::Open);
    stage.member(1, "alice");
    for client in [2, 3, 4] {
        stage.joined(client);
    }
    stage.log_in(2, "alice");
    stage.wait(10 * SECOND - SECOND / 4);
    stage.forget_read();
    stage.log_in(3, "alice");
    let line = "-- alice has just logged in, try again in a few seconds\n";
    stage.reads(3, line);
    stage.has_ended(3);
    stage.wait(SECOND / 4);
    stage.log_in(4, "alice");
    stage.has_ended(2);
}

#[test]
fn who_logs_in_reads_what_was_said_since_the_account_was_last_here() {
    let mut stage = Stage::new(Policy::Open);
    stage.joined(2);
    stage.send(2, "before");
    stage.wait(SECOND);
    stage.member(1, "alice");
    stage.leave(1, Ending::Quit(None));
    for lines in [1, 2, 201] {
        stage.wait(SECOND);
        for number in 0..lines {
            stage.send(2, &format!("line {number}"));
        }
        stage.wait(SECOND);
        let client = 10 + lines;
        stage.joined(client);
        stage.log_in(client, "alice");
        let title = match lines {
            1 => "-- 1 line since you were here, times in UTC:\n",
            2 => "-- 2 lines since you were here, times in UTC:\n",
            _ => "-- 201 lines since you were here, the last 200, times in UTC:\n",
        };
        let shown = (lines.saturating_sub(200)..lines)
            .map(|number| format!("Z <guest2> line {number}\n"))
            .collect::<Vec<_>>();
        let read = stage.read(client);
        let begin = format!("-- guest{client} is now alice\n{title}");
        let rest = read
            .strip_prefix(&begin)
            .unwrap_or_else(|| panic!("{read}"));
        let found = rest
            .split_inclusive('\n')
            .map(|line| &line["-- 15:00".len()..]);
        assert_eq!(found.collect::<Vec<_>>(), shown);
        stage.leave(client, Ending::Quit(None));
    }
    stage.wait(SECOND);
    stage.joined(3);
    stage.log_in(3, "alice");
    stage.reads(3, "-- guest3 is now alice\n");
}

#[test]
fn who_takes_over_reads_what_was_said_since_the_last_byte_of_the_other_connection() {
    let mut stage = Stage::new(Policy::Open);
    for client in [2, 3] {
        stage.joined(client);
    }
    stage.member(1, "alice");
    stage.send(2, "one");
    stage.wait(SECOND);
    stage.send(1, "/who");
    stage.wait(SECOND);
    stage.send(2, "two");
    stage.wait(SECOND);
    stage.forget_read();
    stage.log_in(3, "alice");
    let read = stage.read(3);
    let end = "-- 1 line since you were here, times in UTC:\n-- 14:59Z <guest2> two\n";
    assert!(read.ends_with(end), "{read}");
}

#[test]
fn who_was_here_missed_nothing_of_that_however_short_ago_it_was_said() {
    let mut stage = Stage::new(Policy::Open);
    stage.joined(2);
    stage.member(1, "alice");
    let end = "-- 1 line since you were here, times in UTC:\n-- 14:59Z <guest2> after\n";
    // All of it at one moment, and alice is gone after it, or had her last word in it.
    for (client, ending) in [(1, Some(Ending::Closed)), (3, None)] {
        for (author, line) in [(2, "before"), (client, "mine"), (client, "/me waves")] {
            stage.send(author, line);
        }
        if let Some(ending) = ending {
            stage.leave(client, ending);
        }
        stage.send(2, "after");
        stage.join(client + 2);
        stage.log_in(client + 2, "alice");
        let read = stage.read(client + 2);
        assert!(read.ends_with(end), "{read}");
    }
}

#[test]
fn when_an_account_was_last_here_is_kept_at_every_login_and_departure() {
    let mut stage = Stage::new(Policy::Open);
    let kept = |stage: &Stage, presence| Change::WasHere(name("bob"), stage.clock.time, presence);
    stage.join(1);
    stage.log_in(1, "bob");
    assert_eq!(stage.take_changes(), [kept(&stage, Presence::Stays)]);
    stage.joined(2);
    stage.wait(5 * SECOND);
    assert_eq!(stage.take_changes(), []);
    stage.log_in(2, "bob");
    let both = [Presence::HasLeft, Presence::Stays].map(|presence| kept(&stage, presence));
    assert_eq!(stage.take_changes(), both, "one left, and one came");
    stage.wait(SECOND);
    stage.leave(2, Ending::Lost);
    assert_eq!(stage.take_changes(), [kept(&stage, Presence::HasLeft)]);
}

#[test]
fn whois_says_who_has_an_account_and_when_it_was_last_here_if_it_is_not() {
    let mut stage = Stage::new(Policy::Open);
    stage.member(1, "bob");
    stage.joined(2);
    stage.send(2, "/whois bob");
    let line = "-- bob, registered, joined at 14:59Z (2s ago), idle for 2s\n";
    stage.reads(2, line);
    stage.leave(1, Ending::Quit(None));
    stage.wait(SECOND);
    stage.forget_read();
    stage.send(2, "/whois bob");
    stage.reads(
        2,
        "-- bob, registered, was last here at 2026-11-21 14:59Z\n",
    );
    stage.send(2, "/whois alice");
    stage.reads(2, "-- alice, operator, has not been here yet\n");
    stage.send(2, "/whois carol");
    stage.reads(2, "-- carol is not here\n");
}

#[test]
fn who_registers_makes_the_account_and_is_logged_in() {
    let mut stage = Stage::new(Policy::Open);
    for client in [1, 2, 3] {
        stage.joined(client);
    }
    stage.send(2, "/nick Carol");
    stage.forget_read();
    stage.register(1, "dave");
    stage.reads(1, "-- guest1 is now dave\n");
    let dave = account("dave", Rank::Member);
    let comes = Change::WasHere(name("dave"), stage.clock.time, Presence::Stays);
    assert_eq!(stage.take_changes(), [Change::Account(dave), comes]);
    stage.register(3, "Dave");
    stage.reads(
        3,
        "-- guest1 is now dave\n-- dave is registered: /login dave\n",
    );
    stage.has_ended(3);
    stage.joined(4);
    stage.register(4, "carol");
    stage.reads(4, "-- that name is taken, or looks like one that is\n");
    stage.has_ended(4);
    stage.wait(SECOND);
    stage.forget_read();
    stage.register(2, "carol");
    stage.reads(2, "-- Carol is now carol\n");
}

#[test]
fn an_account_that_is_refused_does_not_count() {
    let mut stage = Stage::new(Policy::Open);
    // Of the account of bob, and of a name that a guest has.
    stage.joined(1);
    stage.send(1, "/nick carol");
    for (client, wanted) in [(2, "bob"), (3, "carol"), (4, "carol"), (5, "carol")] {
        stage.joined(client);
        stage.register(client, wanted);
        stage.has_ended(client);
    }
    // It was ended before, and nobody hears it.
    stage.register(5, "eve");
    for (client, wanted) in [(6, "dave"), (7, "eve"), (8, "fay")] {
        stage.joined(client);
        stage.register(client, wanted);
    }
    let (host, now) = (Host::User(1), stage.clock.instant);
    assert!(stage.debts.begin_account(host, now).is_err());
}

#[test]
fn who_registers_the_name_that_they_have_is_told_that_it_is_theirs() {
    let mut stage = Stage::new(Policy::Open);
    stage.joined(1);
    stage.send(1, "/nick dave");
    stage.forget_read();
    stage.register(1, "dave");
    stage.reads(1, "-- you are logged in as dave\n");
}

#[test]
fn who_registers_what_looks_like_an_account_made_elsewhere_meanwhile_loses_it_again() {
    let mut stage = Stage::new(Policy::Open);
    for client in [1, 2] {
        stage.joined(client);
    }
    stage.register(1, "Car0l");
    let made = Change::Account(account("carol", Rank::Member));
    let removed = Change::AccountRemoved(name("Car0l"));
    stage.told_of(vec![made, removed]);
    stage.has_ended(1);
    stage.forget_read();
    stage.send(2, "/nick Car0l");
    stage.reads(2, "-- carol is registered: /login carol\n");
}

#[test]
fn a_new_password_is_taken_if_the_old_one_is_still_that() {
    let mut stage = Stage::new(Policy::Open);
    stage.member(1, "alice");
    let change = |old: &str| Event::PasswordChanged(ClientId(1), old.into(), "$new".into());
    stage.handle(change(HASH));
    stage.reads(1, "-- your password is changed\n");
    let kept = Change::Password(name("alice"), HASH.into(), "$new".into());
    assert_eq!(stage.take_changes(), [kept]);
    stage.handle(change(HASH));
    stage.reads(1, "-- wrong name or password\n");
    stage.has_ended(1);
}

#[test]
fn an_account_that_is_removed_or_given_a_password_elsewhere_loses_its_connection() {
    let mut stage = Stage::new(Policy::Open);
    stage.member(1, "alice");
    stage.member(2, "bob");
    stage.joined(3);
    let alice = Account {
        hash: "$new".into(),
        ..account("alice", Rank::Operator)
    };
    let removed = Change::AccountRemoved(name("bob"));
    stage.told_of(vec![Change::Account(alice), removed]);
    stage.reads(1, "-- your password was changed\n");
    stage.reads(2, "-- your account was removed\n");
    for client in [1, 2] {
        stage.has_ended(client);
    }
    stage.wait(SECOND);
    stage.reads(3, "-- alice, bob left\n");
    stage.send(3, "/nick bob");
    stage.reads(3, "-- guest3 is now bob\n");
    stage.log_in(3, "alice");
    stage.has_ended(3);
}

#[test]
fn what_other_programs_change_of_an_account_does_not_undo_when_it_was_last_here() {
    let mut stage = Stage::new(Policy::Open);
    stage.member(1, "bob");
    stage.leave(1, Ending::Closed);
    stage.joined(2);
    let bob = account("bob", Rank::Operator);
    stage.told_of(vec![Change::Account(bob)]);
    stage.send(2, "/whois bob");
    stage.reads(2, "-- bob, operator, was last here at 2026-11-21 14:59Z\n");
}

#[test]
fn an_account_whose_mark_is_given_or_taken_elsewhere_keeps_its_connection() {
    let mut stage = Stage::new(Policy::Open);
    stage.member(1, "bob");
    for (rank, who) in [(Rank::Operator, "@bob (you)"), (Rank::Member, "bob (you)")] {
        stage.told_of(vec![Change::Account(account("bob", rank))]);
        stage.send(1, "/who");
        stage.reads(1, &format!("-- 1 here:\n-- {who}\n"));
    }
    stage.send(1, "/bans");
    stage.reads(1, "-- only operators can do that\n");
}

#[test]
fn a_clients_thread_is_told_which_account_it_is_logged_in_to_and_what_hash_one_has() {
    let mut stage = Stage::new(Policy::Open);
    stage.member(1, "alice");
    stage.joined(2);
    let known = stage.inquire(1, Some("B0B")).unwrap();
    assert_eq!(known.logged_in, Some(name("alice")));
    assert_eq!(known.account, Some((name("bob"), HASH.into())));
    let known = stage.inquire(2, None).unwrap();
    assert_eq!((known.logged_in, known.account), (None, None));
    let known = stage.inquire(1, None).unwrap();
    assert_eq!(known.account, Some((name("alice"), HASH.into())));
}

//! Section 7: members only, the room's password, and who comes from a banned address.

use super::*;

const MEMBERS_ONLY: &str = "-- members only: /login NAME\n";

#[test]
fn a_newcomer_reads_the_motd_and_that_only_members_come_in_and_nothing_of_the_room() {
    let mut stage = Stage::new(Policy::MembersOnly);
    stage.member(1, "alice");
    stage.send(1, "before");
    stage.join(2);
    stage.reads(2, &format!("-- be kind\n{MEMBERS_ONLY}"));
    stage.send(1, "after");
    stage.wait(2 * SECOND);
    stage.reads(2, "");
    stage.reads(1, "");
}

#[test]
fn who_waits_has_no_name_in_the_room() {
    let mut stage = Stage::new(Policy::MembersOnly);
    stage.member(1, "alice");
    stage.join(2);
    for (ask, answer) in [
        ("/who", "-- 1 here:\n-- @alice (you)\n"),
        ("/whois guest2", "-- guest2 is not here\n"),
        (
            "/msg guest2 psst",
            "-- guest2 is not here, nothing was sent\n",
        ),
        ("/kick guest2", "-- guest2 is not here, nobody was kicked\n"),
    ] {
        stage.send(1, ask);
        stage.reads(1, answer);
    }
    stage.leave(2, Ending::Closed);
    stage.wait(2 * SECOND);
    stage.reads(1, "");
    stage.has_ended(2);
}

#[test]
fn anything_but_a_login_help_and_quit_is_answered_with_that_line_again() {
    let mut stage = Stage::new(Policy::MembersOnly);
    stage.join(2);
    stage.forget_read();
    for line in [
        "hello",
        "/who",
        "/nick carol",
        "/frobnicate",
        "/msg",
        "/kick bob",
    ] {
        stage.send(2, line);
        stage.reads(2, MEMBERS_ONLY);
    }
    stage.send(2, "/help nick");
    stage.reads(2, "-- /nick NAME  renames you\n");
}

#[test]
fn after_the_login_follow_history_welcome_and_who_is_here_and_the_room_reads_of_it() {
    let mut stage = Stage::new(Policy::MembersOnly);
    stage.member(1, "alice");
    for text in ["one", "two", "three"] {
        stage.send(1, text);
    }
    stage.join(2);
    stage.forget_read();
    stage.log_in(2, "bob");
    stage.wait(SECOND);
    stage.reads(
        2,
        "-- the last 2 lines, times in UTC:\n\
         -- 14:59Z <alice> two\n\
         -- 14:59Z <alice> three\n\
         -- welcome to chatd, you are bob\n\
         -- here: alice\n",
    );
    stage.reads(1, "-- bob joined\n");
    stage.send(1, "four");
    stage.reads(2, "<alice> four\n");
    stage.send(2, "five");
    stage.reads(1, "<bob> five\n");
}

#[test]
fn who_was_here_before_reads_what_they_missed_in_place_of_the_last_lines() {
    let mut stage = Stage::new(Policy::MembersOnly);
    stage.member(1, "alice");
    stage.member(2, "bob");
    stage.send(1, "one");
    stage.wait(SECOND);
    stage.leave(2, Ending::Quit(None));
    stage.wait(SECOND);
    for text in ["two", "three", "four"] {
        stage.send(1, text);
    }
    stage.join(3);
    stage.forget_read();
    stage.log_in(3, "bob");
    let read = stage.read(3);
    let begin = "-- 3 lines since you were here, times in UTC:\n-- 14:59Z <alice> two\n";
    assert!(read.starts_with(begin), "{read}");
}

#[test]
fn who_has_not_come_in_120_s_after_connecting_is_closed() {
    for policy in [Policy::MembersOnly, Policy::RoomPassword] {
        let mut stage = Stage::new(policy);
        stage.join(1);
        stage.wait(60 * SECOND);
        stage.join(2);
        stage.forget_read();
        stage.wait(60 * SECOND - SECOND / 4);
        stage.reads(1, "");
        stage.wait(SECOND / 2);
        stage.reads(1, "-- no login for 2m\n");
        stage.has_ended(1);
        stage.reads(2, "");
    }
}

#[test]
fn at_most_40_wait_from_one_address() {
    let mut stage = Stage::new(Policy::MembersOnly);
    for client in 1..=40 {
        stage.join(client);
    }
    stage.join(41);
    stage.reads(41, "-- too many wait at your address, try again later\n");
    stage.has_ended(41);
    stage.join_from(42, "192.0.2.2:1");
    stage.reads(42, &format!("-- be kind\n{MEMBERS_ONLY}"));
    stage.log_in(1, "alice");
    stage.leave(2, Ending::Closed);
    for (client, comes) in [(43, true), (44, true), (45, false)] {
        stage.join(client);
        let read = stage.read(client);
        assert_eq!(read.ends_with(MEMBERS_ONLY), comes, "{client}: {read}");
    }
}

#[test]
fn who_waited_is_not_idle_when_it_comes_in() {
    let mut stage = Stage::new(Policy::MembersOnly);
    stage.join(1);
    stage.wait(90 * SECOND);
    stage.log_in(1, "bob");
    stage.member(2, "alice");
    stage.send(2, "/whois bob");
    let line = "-- bob, registered, joined at 14:59Z (1m 31s ago), idle for 1s, \
                from 192.0.2.1:4711\n";
    stage.reads(2, line);
}

#[test]
fn who_waits_reads_the_motd_as_it_is_now() {
    let mut stage = Stage::new(Policy::MembersOnly);
    stage.join(1);
    stage.handle(Event::Reloaded(vec!["be brief".to_owned()]));
    stage.join(2);
    stage.reads(2, &format!("-- be brief\n{MEMBERS_ONLY}"));
}

#[test]
fn the_rooms_password_is_not_asked_of_users_of_this_machine() {
    let mut stage = Stage::new(Policy::RoomPassword);
    let wire = TestWire::with_room(usize::MAX);
    stage.wires.insert(1, Arc::clone(&wire));
    stage.handle(Event::Joined(ClientId(1), wire.arrival(Style::Lf)));
    assert!(stage.read(1).ends_with(HOW_TO_BEGIN));
}

#[test]
fn who_comes_to_members_from_a_banned_address_reads_of_the_ban() {
    let what = Target::Network("192.0.2.1/32".parse().unwrap());
    let mut stage = Stage::with(Policy::MembersOnly, Vec::new(), vec![ban(what)]);
    stage.join(1);
    stage.reads(1, "-- be kind\n-- 192.0.2.1 is banned; /login NAME\n");
}

#[test]
fn who_gives_the_rooms_password_is_welcomed_as_a_guest() {
    let mut stage = Stage::new(Policy::RoomPassword);
    stage.join(1);
    stage.reads(1, "-- be kind\n");
    stage.handle(Event::GavePassword(ClientId(1)));
    let welcome = "-- welcome to chatd, you are guest1\n-- nobody else is here\n";
    stage.reads(1, &format!("{welcome}{HOW_TO_BEGIN}"));
    stage.send(1, "/nick carol");
    stage.reads(1, "-- guest1 is now carol\n");
    stage.join(2);
    stage.wait(2 * SECOND);
    stage.forget_read();
    stage.handle(Event::GavePassword(ClientId(2)));
    stage.wait(SECOND);
    stage.reads(1, "-- guest2 joined\n");
}

#[test]
fn who_comes_from_a_banned_address_and_gives_the_rooms_password_has_to_log_in_too() {
    let what = Target::Network("192.0.2.0/24".parse().unwrap());
    let accounts = vec![account("bob", Rank::Member)];
    let mut stage = Stage::with(Policy::RoomPassword, accounts, vec![ban(what)]);
    stage.join(1);
    stage.reads(1, "-- be kind\n");
    stage.handle(Event::GavePassword(ClientId(1)));
    stage.reads(1, "-- 192.0.2.0/24 is banned; /login NAME\n");
    stage.log_in(1, "bob");
    stage.reads(
        1,
        "-- welcome to chatd, you are bob\n-- nobody else is here\n",
    );
}

#[test]
fn who_waits_already_when_its_address_is_banned_is_treated_so_too() {
    let mut stage = Stage::new(Policy::MembersOnly);
    stage.join_from(1, "192.0.2.9:1");
    stage.log_in(1, "alice");
    stage.join(2);
    stage.send(1, "/ban 192.0.2.1 1h spam");
    stage.forget_read();
    let line = "-- 192.0.2.1 is banned until 2026-11-21 15:59Z: \"spam\"; /login NAME\n";
    stage.send(2, "hello");
    stage.reads(2, line);
    stage.register(2, "snake");
    stage.reads(2, line);
    stage.has_ended(2);
    stage.reads(1, "");
}

#[test]
fn who_waits_at_an_address_that_is_banned_no_longer_comes_in_with_what_they_send_next() {
    for is_lifted in [true, false] {
        let mut stage = Stage::new(Policy::Open);
        stage.join_from(1, "192.0.2.9:1");
        stage.log_in(1, "alice");
        stage.send(1, "/ban 192.0.2.1 1m");
        stage.join(2);
        stage.wait(59 * SECOND);
        if is_lifted {
            stage.send(1, "/unban 192.0.2.1");
        } else {
            stage.wait(SECOND);
        }
        stage.forget_read();
        stage.send(2, "hello");
        let welcome = "-- welcome to chatd, you are guest2\n-- here: alice\n";
        stage.reads(2, &format!("{welcome}{HOW_TO_BEGIN}"));
        stage.reads(1, "-- guest2 joined\n<guest2> hello\n");
    }
}

#[test]
fn who_waits_for_members_only_waits_on_when_the_ban_is_lifted() {
    let mut stage = Stage::new(Policy::MembersOnly);
    stage.join_from(1, "192.0.2.9:1");
    stage.log_in(1, "alice");
    stage.send(1, "/ban 192.0.2.1");
    stage.join(2);
    stage.send(1, "/unban 192.0.2.1");
    stage.forget_read();
    stage.send(2, "hello");
    stage.reads(2, MEMBERS_ONLY);
    stage.register(2, "snake");
    assert!(
        stage
            .read(2)
            .contains("-- welcome to chatd, you are snake\n")
    );
}

#[test]
fn who_comes_from_a_banned_address_reads_of_the_ban_and_is_treated_so() {
    let what = Target::Network("192.0.2.1/32".parse().unwrap());
    let ban = Ban {
        until: Some("2026-11-21T15:04:00Z".parse().unwrap()),
        text: Some(Line::new("spam")),
        ..ban(what)
    };
    let accounts = vec![account("bob", Rank::Member)];
    let mut stage = Stage::with(Policy::Open, accounts, vec![ban]);
    let line = "-- 192.0.2.1 is banned until 2026-11-21 15:04Z: \"spam\"; /login NAME\n";
    stage.join(1);
    stage.reads(1, &format!("-- be kind\n{line}"));
    stage.send(1, "hello");
    stage.reads(1, line);
    stage.join(2);
    stage.forget_read();
    stage.register(2, "carol");
    stage.reads(2, line);
    stage.has_ended(2);
    stage.log_in(1, "bob");
    stage.reads(
        1,
        "-- welcome to chatd, you are bob\n-- nobody else is here\n",
    );
    stage.join_from(3, "192.0.2.2:1");
    assert!(stage.read(3).ends_with(HOW_TO_BEGIN), "another address");
    stage.wait(6 * 60 * SECOND);
    stage.join(4);
    assert!(stage.read(4).ends_with(HOW_TO_BEGIN), "the ban is over");
}

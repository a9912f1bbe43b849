//! Section 7: bans.

use super::*;

const LINE: &str = "-- 192.0.2.3 is banned; /login NAME\n";

/// Alice is an operator, bob has an account, carol and dave are guests; each comes from an address of
/// its own.
fn stage() -> Stage {
    let mut stage = Stage::new(Policy::Open);
    for client in 1..=4 {
        stage.join_from(client, &format!("192.0.2.{client}:4711"));
    }
    stage.log_in(1, "alice");
    stage.log_in(2, "bob");
    stage.send(3, "/nick carol");
    stage.send(4, "/nick dave");
    stage.wait(SECOND);
    stage.take_changes();
    stage.forget_read();
    stage
}

fn network(text: &str) -> Target {
    Target::Network(text.parse().unwrap())
}

#[test]
fn a_ban_by_name_keeps_the_account_and_the_address_of_who_is_here_out() {
    let mut stage = stage();
    stage.send(1, "/ban bob 1h be \"kind\"");
    stage.reads(2, "-- you were banned by alice for 1h: \"be 'kind'\"\n");
    stage.has_ended(2);
    let notice = "-- alice banned bob for 1h: \"be 'kind'\"\n";
    stage.reads(3, notice);
    stage.reads(1, &format!("-- banned for 1h: bob, 192.0.2.2\n{notice}"));
    let made = stage.clock.time;
    let made = |what, whose| {
        Change::Ban(Ban {
            whose,
            made,
            until: Some(made + 3_600 * SECOND),
            text: Some(Line::new("be \"kind\"")),
            ..ban(what)
        })
    };
    let changes = stage.take_changes();
    let bans = [
        made(Target::Account(name("bob")), None),
        made(network("192.0.2.2/32"), Some(name("bob"))),
    ];
    assert_eq!(changes[..2], bans);
    // From his address, and from elsewhere.
    stage.join_from(5, "192.0.2.2:1");
    let until = "until 2026-11-21 15:59Z: \"be 'kind'\"";
    let line = format!("-- 192.0.2.2 is banned {until}; /login NAME\n");
    assert!(stage.read(5).ends_with(&line));
    stage.join_from(6, "192.0.2.9:1");
    stage.forget_read();
    for client in [5, 6] {
        stage.log_in(client, "bob");
        stage.reads(client, &format!("-- bob is banned {until}\n"));
        stage.has_ended(client);
    }
    stage.wait(3_600 * SECOND);
    stage.join_from(7, "192.0.2.2:1");
    stage.log_in(7, "bob");
    assert!(stage.read(7).contains("-- guest7 is now bob\n"));
}

#[test]
fn a_guest_is_banned_by_address_and_for_ever_without_a_duration() {
    let mut stage = stage();
    stage.send(1, "/ban carol");
    stage.reads(3, "-- you were banned by alice\n");
    stage.reads(1, "-- banned for ever: 192.0.2.3\n-- alice banned carol\n");
    let made = Ban {
        whose: Some(name("carol")),
        made: stage.clock.time,
        ..ban(network("192.0.2.3/32"))
    };
    assert_eq!(stage.take_changes(), [Change::Ban(made)]);
    stage.wait(24 * 3_600 * SECOND);
    stage.join_from(5, "192.0.2.3:1");
    assert!(stage.read(5).ends_with(LINE));
}

#[test]
fn who_left_within_the_last_hour_can_be_banned_by_name() {
    for (minutes, is_known) in [(59, true), (61, false)] {
        let mut stage = stage();
        stage.leave(3, Ending::Closed);
        stage.wait(minutes * 60 * SECOND);
        stage.forget_read();
        stage.send(1, "/ban Carol 1d");
        let read = if is_known {
            "-- banned for 1d: 192.0.2.3\n-- alice banned carol for 1d\n"
        } else {
            "-- Carol is not here, nobody was banned\n"
        };
        stage.reads(1, read);
    }
    let mut stage = Stage::new(Policy::Open);
    stage.member(1, "alice");
    stage.send(1, "/ban bob");
    stage.reads(1, "-- banned for ever: bob\n-- alice banned bob\n");
}

#[test]
fn by_name_nobody_else_who_is_here_as_a_guest_is_put_out() {
    let mut stage = stage();
    for others in 1..=2 {
        stage.join_from(4 + others, "192.0.2.3:1");
        stage.wait(SECOND);
        stage.forget_read();
        stage.send(1, "/ban carol");
        let are = if others == 1 {
            "other is"
        } else {
            "others are"
        };
        let end = "nobody was banned: /ban 192.0.2.3 bans them all";
        stage.reads(1, &format!("-- {others} {are} at 192.0.2.3, {end}\n"));
    }
    stage.reads(3, "");
    stage.send(1, "/ban 192.0.2.3");
    let notice = "-- alice banned carol, guest5, guest6\n";
    stage.reads(1, &format!("-- banned for ever: 192.0.2.3\n{notice}"));
    stage.reads(4, notice);
    for client in [3, 5, 6] {
        stage.reads(client, "-- you were banned by alice\n");
        stage.has_ended(client);
    }
}

#[test]
fn a_ban_of_a_network_leaves_alone_who_is_logged_in_and_is_listed_as_joins_are() {
    let mut stage = stage();
    for client in 5..=9 {
        stage.join_from(client, "192.0.2.77:1");
    }
    stage.wait(SECOND);
    stage.forget_read();
    stage.send(1, "/ban 192.0.2.0/24 10m bye");
    let names = "carol, dave, guest5, guest6, guest7 and 2 more";
    let notice = format!("-- alice banned {names} for 10m: \"bye\"\n");
    stage.reads(1, &format!("-- banned for 10m: 192.0.2.0/24\n{notice}"));
    stage.reads(2, &notice);
    stage.wait(2 * SECOND);
    stage.reads(2, "");
}

#[test]
fn who_is_banned_before_others_know_of_them_is_never_mentioned() {
    let mut stage = stage();
    for client in 5..=6 {
        stage.join_from(client, "198.51.100.7:1");
    }
    stage.forget_read();
    stage.send(1, "/ban 198.51.100.7");
    stage.reads(1, "-- banned for ever: 198.51.100.7\n");
    for client in 5..=6 {
        stage.reads(client, "-- you were banned by alice\n");
    }
    stage.wait(2 * SECOND);
    stage.reads(1, "");
}

#[test]
fn an_operator_whose_account_another_program_has_banned_stays_and_comes_in() {
    let mut stage = stage();
    let ban = Change::Ban(ban(Target::Account(name("alice"))));
    stage.told_of(vec![ban]);
    stage.reads(1, "");
    stage.joined(5);
    stage.log_in(5, "alice");
    stage.reads(5, "-- alice left\n-- guest5 is now alice\n");
}

#[test]
fn unban_lets_them_in_again_and_bans_lists_who_is_kept_out() {
    let mut stage = stage();
    stage.send(1, "/bans");
    stage.reads(1, "-- nobody is banned\n");
    stage.send(1, "/ban carol 5m");
    stage.send(1, "/ban bob spam");
    stage.send(1, "/ban 2001:db8::1");
    stage.take_changes();
    stage.forget_read();
    stage.send(1, "/bans");
    stage.reads(
        1,
        "-- bob by alice: \"spam\"\n\
         -- 192.0.2.2 (bob) by alice: \"spam\"\n\
         -- 192.0.2.3 (carol) until 2026-11-21 15:04Z by alice\n\
         -- 2001:db8::/64 by alice\n",
    );
    stage.send(1, "/unban Bob");
    stage.reads(1, "-- no longer banned: bob, 192.0.2.2\n");
    stage.send(1, "/unban 2001:db8::2");
    stage.reads(1, "-- no longer banned: 2001:db8::/64\n");
    let removed = [
        Target::Account(name("bob")),
        network("192.0.2.2/32"),
        network("2001:db8::/64"),
    ];
    assert_eq!(stage.take_changes(), removed.map(Change::BanRemoved));
    stage.send(1, "/unban bob");
    stage.reads(1, "-- no such ban, /bans lists them\n");
    stage.wait(5 * 60 * SECOND);
    stage.forget_read();
    stage.send(1, "/bans");
    stage.reads(1, "-- nobody is banned\n");
    // Whoever keeps them takes away what is over: another program may have renewed it meanwhile.
    assert_eq!(stage.take_changes(), []);
    stage.join_from(5, "192.0.2.2:1");
    stage.log_in(5, "bob");
    assert!(stage.read(5).contains("-- guest5 is now bob\n"));
}

#[test]
fn unban_lifts_all_bans_of_that_name_however_long_ago_they_were_made() {
    let of = |whose, what| Ban {
        whose: Some(name(whose)),
        ..ban(network(what))
    };
    let bans = vec![
        ban(Target::Account(name("bob"))),
        of("bob", "192.0.2.12/32"),
        of("gus", "192.0.2.13/32"),
        of("gus", "2001:db8::/64"),
        // Where bob is.
        ban(network("192.0.2.2/32")),
    ];
    let accounts = ["alice", "bob"].map(|name| account(name, Rank::Operator));
    let mut stage = Stage::with(Policy::Open, accounts.to_vec(), bans);
    for (client, name) in [(1, "alice"), (2, "bob")] {
        stage.join_from(client, &format!("192.0.2.{client}:4711"));
        stage.log_in(client, name);
    }
    stage.wait(SECOND);
    stage.forget_read();
    stage.take_changes();
    stage.send(1, "/unban B0B");
    stage.reads(1, "-- no longer banned: bob, 192.0.2.12\n");
    stage.send(1, "/unban Gus");
    stage.reads(1, "-- no longer banned: 192.0.2.13, 2001:db8::/64\n");
    let lifted = [
        Target::Account(name("bob")),
        network("192.0.2.12/32"),
        network("192.0.2.13/32"),
        network("2001:db8::/64"),
    ];
    assert_eq!(stage.take_changes(), lifted.map(Change::BanRemoved));
    stage.send(1, "/bans");
    stage.reads(1, "-- 192.0.2.2 by alice\n");
}

#[test]
fn for_how_long_somebody_is_banned_is_told_whoever_made_the_ban_and_however_short_it_is() {
    let mut stage = stage();
    stage.send(1, "/ban carol 500ms");
    stage.reads(3, "-- you were banned by alice for 500ms\n");
    // Another program, a moment ago.
    let made = stage.clock.time - SECOND;
    stage.told_of(vec![Change::Ban(Ban {
        made,
        until: Some(made + 3_600 * SECOND),
        ..ban(network("192.0.2.4/32"))
    })]);
    stage.reads(
        4,
        "-- alice banned carol for 500ms\n-- you were banned by alice for 1h\n",
    );
    stage.reads(
        2,
        "-- alice banned carol for 500ms\n-- alice banned dave for 1h\n",
    );
}

#[test]
fn a_ban_that_another_program_has_made_puts_people_out_too() {
    let mut stage = stage();
    let bans = [Target::Account(name("bob")), network("192.0.2.3/32")];
    stage.told_of(bans.clone().map(ban).map(Change::Ban).to_vec());
    for client in [2, 3] {
        stage.has_ended(client);
    }
    stage.reads(4, "-- alice banned bob\n-- alice banned carol\n");
    stage.told_of(bans.map(Change::BanRemoved).to_vec());
    stage.join_from(5, "192.0.2.3:1");
    assert!(stage.read(5).ends_with(HOW_TO_BEGIN));
    assert_eq!(stage.take_changes().len(), 1, "when bob was last here");
}

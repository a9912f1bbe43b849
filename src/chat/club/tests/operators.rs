//! Section 7: operators, but for bans.

use super::*;

/// Alice is an operator, bob has an account, carol is a guest.
fn stage() -> Stage {
    let mut stage = Stage::new(Policy::Open);
    stage.member(1, "alice");
    stage.member(2, "bob");
    stage.joined(3);
    stage.send(3, "/nick carol");
    stage.forget_read();
    stage
}

#[test]
fn who_and_whois_show_who_is_an_operator_and_where_people_are_to_operators_alone() {
    let mut stage = stage();
    stage.send(3, "/who");
    stage.reads(3, "-- 3 here:\n-- @alice, bob, carol (you)\n");
    stage.send(3, "/whois alice");
    let line = "-- alice, operator, joined at 14:59Z (3s ago), idle for 3s\n";
    stage.reads(3, line);
    stage.send(3, "/away lunch");
    stage.forget_read();
    stage.send(1, "/whois carol");
    let line = "-- carol joined at 14:59Z (1s ago), idle for 0s, \
                from 192.0.2.1:4711, away: \"lunch\"\n";
    stage.reads(1, line);
}

#[test]
fn everybody_else_who_uses_these_commands_reads_that_only_operators_can() {
    let mut stage = stage();
    for client in [2, 3] {
        for order in [
            "/kick alice",
            "/kick",
            "/ban bob",
            "/unban bob",
            "/bans",
            "/mute alice",
            "/unmute bob",
            "/erase bob",
        ] {
            stage.send(client, order);
            stage.reads(client, "-- only operators can do that\n");
        }
    }
    stage.reads(1, "");
}

#[test]
fn help_lists_these_commands_to_operators() {
    let mut stage = stage();
    for (client, lists) in [(1, true), (2, false)] {
        stage.send(client, "/help");
        let read = stage.read(client);
        assert_eq!(read.contains("/kick NAME [TEXT]"), lists, "{read}");
        assert!(read.contains("/quit [TEXT]"), "{read}");
    }
    stage.send(1, "/kick");
    stage.reads(1, "-- usage: /kick NAME [TEXT]\n");
}

#[test]
fn a_kick_ends_a_connection_with_a_line_of_its_own_in_place_of_left() {
    let mut stage = stage();
    stage.send(3, "a last word");
    stage.forget_read();
    stage.send(1, "/kick carol be \"kind\"");
    stage.reads(3, "-- you were kicked by alice: \"be 'kind'\"\n");
    stage.has_ended(3);
    stage.send(1, "/kick BOB");
    stage.reads(
        2,
        "-- alice kicked carol: \"be 'kind'\"\n-- you were kicked by alice\n",
    );
    let notices = "-- alice kicked carol: \"be 'kind'\"\n-- alice kicked bob\n";
    stage.reads(1, notices);
    stage.wait(2 * SECOND);
    stage.reads(1, "");
    stage.send(1, "/who");
    stage.reads(1, "-- 1 here:\n-- @alice (you)\n");
    // Nobody keeps them out.
    stage.join(4);
    stage.log_in(4, "bob");
    stage.wait(SECOND);
    stage.reads(1, "-- bob joined\n");
}

#[test]
fn operators_cannot_be_kicked_banned_or_muted() {
    let mut stage = stage();
    let dave = account("dave", Rank::Operator);
    stage.told_of(vec![Change::Account(dave)]);
    for other in ["alice", "dave"] {
        if other == "dave" {
            stage.send(1, "/kick dave");
            stage.reads(1, "-- dave is not here, nobody was kicked\n");
        } else {
            stage.send(1, "/kick alice");
            stage.reads(1, "-- operators cannot be kicked\n");
        }
        stage.send(1, &format!("/ban {other}"));
        stage.reads(1, "-- operators cannot be banned\n");
        stage.send(1, &format!("/mute {other}"));
        stage.reads(1, "-- operators cannot be muted\n");
    }
    stage.reads(2, "");
}

#[test]
fn what_the_muted_say_do_write_privately_call_themselves_or_give_as_a_text_is_refused() {
    let mut stage = stage();
    stage.send(2, "/msg carol hi");
    stage.send(3, "/msg bob hi");
    stage.send(1, "/mute bob");
    stage.forget_read();
    for line in [
        "hello",
        "/me waves",
        "/msg carol psst",
        "/r psst",
        "/nick dave",
        "/away lunch",
    ] {
        stage.send(2, line);
        stage.reads(2, "-- you are muted, nothing was sent\n");
    }
    stage.reads(3, "");
    for (line, answer) in [
        ("/msg alice psst", "[you -> alice] psst\n"),
        ("/away", "-- you are away\n"),
        ("/me", "-- usage: /me ACTION\n"),
        ("/back", "-- you are back\n"),
    ] {
        stage.send(2, line);
        stage.reads(2, answer);
    }
    stage.send(1, "/msg bob what is it?");
    stage.send(2, "/r nothing");
    stage.reads(
        1,
        "[bob -> you] psst\n[you -> bob] what is it?\n[bob -> you] nothing\n",
    );
    stage.leave(2, Ending::Quit(Some(Line::new("so long"))));
    stage.wait(SECOND);
    stage.reads(3, "-- bob left\n");
}

#[test]
fn the_muted_read_that_their_text_is_refused_when_they_leave_with_one() {
    let muted = "-- you are muted, nothing was sent\n";
    for (text, told) in [(None, ""), (Some(Line::new("so long")), muted)] {
        let mut stage = stage();
        stage.send(1, "/mute bob");
        stage.forget_read();
        stage.leave(2, Ending::Quit(text));
        stage.reads(2, told);
        stage.has_ended(2);
    }
}

#[test]
fn a_mute_of_an_account_lasts_until_unmute_and_one_of_a_guest_for_that_connection() {
    let mut stage = stage();
    stage.send(1, "/mute carol");
    let answer = "-- only this connection of carol is muted, /ban keeps a guest out\n";
    stage.reads(1, &format!("-- alice muted carol\n{answer}"));
    stage.reads(2, "-- alice muted carol\n");
    stage.send(1, "/mute bob");
    stage.reads(1, "-- alice muted bob\n-- bob is muted until /unmute bob\n");
    stage.send(1, "/mute bob");
    stage.reads(1, "-- bob is muted already\n");
    for client in [2, 3] {
        stage.leave(client, Ending::Closed);
    }
    stage.joined(4);
    stage.send(4, "/nick carol");
    stage.member(5, "bob");
    stage.send(4, "hello");
    stage.reads(5, "<carol> hello\n");
    stage.send(5, "hello");
    stage.reads(5, "-- you are muted, nothing was sent\n");
    stage.forget_read();
    stage.send(1, "/unmute bob");
    stage.reads(5, "-- alice unmuted bob\n");
    stage.send(5, "hello");
    stage.reads(4, "-- alice unmuted bob\n<bob> hello\n");
    stage.send(1, "/unmute bob");
    let answer = "-- alice unmuted bob\n<bob> hello\n-- bob is not muted\n";
    stage.reads(1, answer);
}

#[test]
fn each_line_of_the_muted_is_refused() {
    let mut stage = stage();
    stage.send(1, "/mute carol");
    stage.forget_read();
    let mut lines = Lines::default();
    for line in ["one", "two", "three"] {
        lines.push_clean(line.as_bytes());
    }
    stage.handle(Event::Said(ClientId(3), lines));
    stage.reads(3, &"-- you are muted, nothing was sent\n".repeat(3));
    stage.reads(2, "");
}

#[test]
fn the_muted_do_not_call_themselves_what_they_like_by_register_either() {
    let mut stage = stage();
    stage.send(1, "/mute carol");
    stage.forget_read();
    stage.take_changes();
    stage.register(3, "rude-name");
    stage.reads(3, "-- you are muted, nothing was sent\n");
    stage.has_ended(3);
    assert_eq!(stage.take_changes(), []);
    stage.wait(SECOND);
    stage.reads(2, "-- carol left\n");
}

#[test]
fn a_mute_is_of_that_connection_whoever_logs_in_there() {
    let mut stage = stage();
    stage.leave(2, Ending::Closed);
    stage.send(1, "/mute carol");
    stage.log_in(3, "bob");
    stage.forget_read();
    stage.send(3, "hello");
    stage.reads(3, "-- you are muted, nothing was sent\n");
    stage.send(1, "/unmute bob");
    stage.forget_read();
    stage.send(3, "hello");
    stage.reads(1, "<bob> hello\n");
}

#[test]
fn who_is_muted_and_turns_out_to_be_an_operator_or_becomes_one_may_speak() {
    let mut stage = stage();
    for name in ["bob", "carol"] {
        stage.send(1, &format!("/mute {name}"));
    }
    let operator = |name| Change::Account(account(name, Rank::Operator));
    stage.told_of(vec![operator("bob"), operator("dave")]);
    stage.log_in(3, "dave");
    stage.forget_read();
    for client in [2, 3] {
        stage.send(client, "hello");
    }
    stage.reads(1, "<bob> hello\n<dave> hello\n");
}

#[test]
fn erase_takes_the_last_lines_said_under_that_very_name_out_of_the_history() {
    let mut stage = stage();
    for (client, text) in [(2, "one"), (3, "two"), (2, "/me waves"), (2, "three")] {
        stage.send(client, text);
    }
    stage.forget_read();
    let history = |stage: &mut Stage| {
        stage.forget_read();
        stage.send(1, "/history 9");
        let read = stage.read(1);
        let lines = read
            .lines()
            .skip(1)
            .map(|line| line["-- 14:59Z ".len()..].to_owned());
        lines.collect::<Vec<_>>()
    };
    stage.send(1, "/erase BOB");
    stage.reads(1, "-- 0 lines of BOB erased from the history\n");
    stage.send(1, "/erase bob");
    stage.reads(1, "-- 1 line of bob erased from the history\n");
    assert_eq!(
        history(&mut stage),
        ["<bob> one", "<carol> two", "* bob waves"]
    );
    stage.send(1, "/erase bob 9");
    stage.reads(1, "-- 2 lines of bob erased from the history\n");
    assert_eq!(history(&mut stage), ["<carol> two"]);
    let erased = |spelt: &str, count| {
        Change::Erased(Erasure {
            name: spelt.to_owned(),
            since: None,
            until: None,
            count: Some(count),
        })
    };
    let kept = [erased("BOB", 1), erased("bob", 1), erased("bob", 9)];
    assert_eq!(stage.take_changes(), kept);
    stage.reads(2, "");
    stage.join(4);
    assert!(
        !stage.read(4).contains("<bob>"),
        "newcomers read nothing of it"
    );
}

#[test]
fn what_other_programs_erase_is_taken_out_of_the_history_from_a_time_to_a_time() {
    let mut stage = stage();
    let mut times = Vec::new();
    for text in ["one", "two", "three"] {
        stage.wait(SECOND);
        times.push(stage.clock.time);
        stage.send(2, text);
    }
    stage.told_of(vec![Change::Erased(Erasure {
        name: "bob".to_owned(),
        since: Some(times[1]),
        until: Some(times[2]),
        count: None,
    })]);
    stage.forget_read();
    stage.send(3, "/history");
    let lines = "-- 14:59Z <bob> one\n-- 14:59Z <bob> three\n";
    stage.reads(3, &format!("-- the last 2 lines, times in UTC:\n{lines}"));
}

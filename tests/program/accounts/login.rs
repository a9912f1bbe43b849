//! `/login`, its prompt, and whose a name is.

use crate::kit::{DataDir, PROMPT, WRONG, answers, answers_each, password_of};

const CLOSED: &str = "-- wrong name or password";

#[test]
fn login_asks_for_the_password_and_gives_the_name_as_it_is_spelt_there() {
    let directory = DataDir::new();
    let server = directory.server(&["--register"]);
    let alice = server.registered("Alice");
    alice.close_sending();
    server.log_line(|line| line.contains("left: ") && line.contains(" Alice, "));
    for name in ["alice", "A1ICE"] {
        let mut client = server.welcomed();
        client.send(&format!("/login {name}"));
        client.expect(PROMPT);
        client.send(&password_of("Alice"));
        client.read_renaming("Alice");
        client.send("/quit");
        client.expect_eof();
    }
}

#[test]
fn a_bot_sends_login_its_password_and_its_first_line_at_once() {
    let directory = DataDir::new();
    let server = directory.server(&["--register"]);
    let [mut watcher] = server.room(["watcher"]);
    server.registered("bot").send("/quit");
    server.log_line(|line| line.contains("left: ") && line.contains(" bot, "));
    let bot = server.connect();
    bot.send(&format!("/login bot\n{}\ngood morning", password_of("bot")));
    watcher.expect("<bot> good morning");
}

#[test]
fn what_stands_behind_name_on_the_line_is_thrown_away_and_the_next_line_is_the_password() {
    let directory = DataDir::new();
    let server = directory.server(&["--register"]);
    let [mut watcher, mut alice] = server.room(["watcher", "alice"]);
    let password = password_of("ann");
    alice.send(&format!(
        "/register ann {password}\n{password}\n{password}\n/nick x"
    ));
    alice.expect("-- you are logged in as ann: connect again to be somebody else");
    let [mut bob] = server.room(["bob"]);
    // Whatever it looks like.
    bob.send(&format!(
        "/login ann {password} {password}\n/who\n//x\n{password}\n/version"
    ));
    let read = bob.lines_until("-- bob is now ann");
    let prompts = read
        .iter()
        .filter(|line| [PROMPT, WRONG].contains(&line.as_str()));
    assert_eq!(
        prompts.collect::<Vec<_>>(),
        [PROMPT, WRONG, WRONG],
        "{read:?}"
    );
    let mut said = watcher.settle();
    said.retain(|line| line.starts_with('<'));
    assert_eq!(said, ["<bob> it is me"]);
}

#[test]
fn an_empty_line_ends_the_prompt() {
    let directory = DataDir::new();
    let server = directory.server(&["--register"]);
    let [mut watcher, alice] = server.room(["watcher", "alice"]);
    alice.send("/login bob\nwrong\n\nhello");
    watcher.next_is("<alice> hello");
    let asked = ["/login", "/password", "/register bob"];
    for asked in asked.into_iter().chain(["/register bob\nhunter22"]) {
        alice.send(&format!("{asked}\n\nhello again"));
        watcher.next_is("<alice> hello again");
    }
}

#[test]
fn after_a_wrong_one_the_prompt_comes_again_and_after_the_third_the_connection_is_closed() {
    let directory = DataDir::new();
    let server = directory.server(&["--register"]);
    let [mut watcher, mut alice] = server.room(["watcher", "alice"]);
    let _bob = server.registered("bob");
    watcher.expect("-- bob joined");
    alice.settle();
    for name in ["bob", "nobody", "two\u{202e}", ""] {
        let [mut client] = server.room([format!("x{}", name.len()).as_str()]);
        client.send(&format!("/login {name}\nwrong\nwrong\nwrong\nhello\nhello"));
        assert_eq!(
            client.expect_eof(),
            [PROMPT, WRONG, WRONG, CLOSED],
            "{name}"
        );
        let left = format!(" x{}, ", name.len());
        server.log_line(|line| line.contains(&left) && line.ends_with(", closed"));
    }
    let mut said = watcher.settle();
    said.retain(|line| line.contains("hello"));
    assert_eq!(said, [""; 0]);
}

#[test]
fn a_line_that_is_too_long_not_utf_8_or_has_a_control_character_is_a_wrong_password() {
    let directory = DataDir::new();
    let server = directory.server(&["--register", "--max-line", "40"]);
    let _alice = server.member("alice");
    let too_long = "x".repeat(41);
    for line in [too_long.as_bytes(), b"\xfe", b"\t", b"\x1b[A"] {
        let [mut client] = server.room(["client"]);
        client.send_bytes(&[b"/login alice\n", line, b"\n\n/version\n"].concat());
        let read = client.settle();
        assert_eq!(read, [PROMPT, WRONG], "after {}", line.escape_ascii());
        client.send("/quit");
        client.expect_eof();
    }
}

#[test]
fn bs_and_del_do_their_work_before_a_line_is_a_password() {
    let directory = DataDir::new();
    let server = directory.server(&["--register"]);
    let _alice = server.registered("alice");
    let mut client = server.connect();
    let password = password_of("alice");
    let (start, end) = password.split_at(3);
    client.send(&format!("/login alice\n{start}ab\x7f\x08{end}"));
    client.read_renaming("alice");
}

#[test]
fn nick_by_anybody_else_is_answered_that_the_name_is_registered() {
    let directory = DataDir::new();
    let server = directory.server(&["--register"]);
    let _alice = server.member("alice");
    let mut guest = server.welcomed();
    let answer = ["-- alice is registered: /login alice"];
    answers_each(
        &mut guest,
        &[
            ("/nick alice", &answer),
            ("/nick ALICE", &answer),
            ("/nick a1ice", &answer),
        ],
    );
}

#[test]
fn who_is_logged_in_and_asks_for_another_name_is_told_to_connect_again_and_stays() {
    let directory = DataDir::new();
    let server = directory.server(&["--register"]);
    let _bob = server.member("bob");
    let mut alice = server.member("alice");
    let told = "-- you are logged in as alice: connect again to be somebody else";
    assert_eq!(answers(&mut alice, "/nick carol"), [told]);
    // After the prompt, which is there all the same, and whatever stands there.
    for (command, prompts) in [("/login bob", 1), ("/login", 1), ("/register carol", 2)] {
        let password = password_of("carol");
        let lines = vec![password; prompts].join("\n");
        let read = answers(&mut alice, &format!("{command}\n{lines}"));
        assert_eq!(read.len(), prompts + 1, "after {command}: {read:?}");
        assert_eq!(read[prompts], told, "after {command}");
    }
}

#[test]
fn a_line_that_is_just_login_and_at_most_one_word_more_is_said_and_its_author_reads_how() {
    let directory = DataDir::new();
    let server = directory.server(&[]);
    let [mut watcher, mut alice] = server.room(["watcher", "alice"]);
    let hint = "-- commands begin with /: /login";
    assert_eq!(answers(&mut alice, "login bob"), [hint]);
    watcher.next_is("<alice> login bob");
}

#[test]
fn help_lists_the_commands_about_passwords_where_they_are_of_use() {
    let directory = DataDir::new();
    for (args, registers) in [(&[][..], false), (&["--register"], true)] {
        let server = directory.server(args);
        let mut client = server.welcomed();
        let help = answers(&mut client, "/help");
        for (command, is_listed) in [
            ("-- /login [NAME]", true),
            ("-- /password", true),
            ("-- /register NAME", registers),
            ("-- /search TEXT", true),
        ] {
            let is_there = help
                .iter()
                .any(|line| line.starts_with(&format!("{command} ")));
            assert_eq!(is_there, is_listed, "{command} in {help:?}");
        }
        assert!(help.iter().all(|line| line.len() <= 78), "{help:?}");
    }
}

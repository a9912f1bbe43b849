//! Where something is refused the connection is closed.

use super::*;

#[test]
fn where_a_command_is_refused_or_misused_the_reason_is_told_and_the_connection_closed() {
    let long = format!("/register bob\n{}", "Q".repeat(LONGEST + 1));
    for (passwords, sent, asked, reason) in [
        (
            Passwords::None,
            "/login",
            &[][..],
            "this server has no accounts",
        ),
        (
            Passwords::Unencrypted,
            "/login alice",
            &[],
            "not over an unencrypted connection",
        ),
        (
            Passwords::Unencrypted,
            "/password",
            &[],
            "not over an unencrypted connection",
        ),
        (
            Passwords::Unencrypted,
            "/register",
            &[],
            "not over an unencrypted connection",
        ),
        (
            Passwords::OfAccounts,
            "/register bob",
            &[],
            "accounts are made by whoever runs this server",
        ),
        (
            Passwords::OfNewAccounts,
            "/register",
            &[],
            "usage: /register NAME",
        ),
        (
            Passwords::OfNewAccounts,
            "/register Q!X",
            &[],
            "a name is made of letters, digits, _ and -",
        ),
        (
            Passwords::OfNewAccounts,
            "/register bob\nQXZ",
            &[ASKED_NEW],
            "a password has 8 to 128 characters",
        ),
        (
            Passwords::OfNewAccounts,
            &long,
            &[ASKED_NEW],
            "a password has no control characters, and is UTF-8 of one line",
        ),
        (
            Passwords::OfNewAccounts,
            "/register bob\nQXZQXZQXZ\nQXZQXZQXX",
            &[ASKED_NEW, ASKED_AGAIN],
            "these are two passwords, nothing was changed",
        ),
    ] {
        let reason = format!("-- {reason}");
        let expected = [asked, &[&reason, "left"]].concat();
        reads(passwords, &format!("{sent}\nQXZ\nhi\n"), &expected);
    }
}

#[test]
fn a_password_that_is_refused_closes_the_connection() {
    let mut prompt = Prompt::new(Passwords::OfAccounts);
    prompt.begin(PasswordCommand::Login, "alice");
    prompt.take(Some(b"QXZ"));
    let reactions = prompt.judge(Verdict::Refused(
        "busy, try again in a few seconds".to_owned(),
    ));
    let [Reaction::Ends, Reaction::Tells(reason), Reaction::Closes] = reactions.as_slice() else {
        panic!("{} reactions", reactions.len());
    };
    assert_eq!(reason, "busy, try again in a few seconds");
}

//! A telnet is asked not to show a password.

use super::*;

#[test]
fn who_speaks_telnet_is_sent_will_echo_behind_the_prompt_and_wont_echo_when_it_ends() {
    let shown = |prompt, sent: &[u8]| transcript(&mut codec(prompt), sent);
    let accounts = || Prompt::new(Passwords::OfAccounts);
    let sent = b"\xff\xf1/login bob\r\nQ\r\n\xff\xfd\x01QXZ QXZ QXZ\r\nhi\r\n";
    let (asked, given) = ("-- password:", "login bob right");
    let wrong = [
        asked,
        "WILL ECHO",
        "login bob other",
        WRONG_ONE,
        "WILL ECHO",
    ];
    assert_eq!(
        shown(accounts(), sent),
        // The DO ECHO was in the same packet, before anything was offered.
        [
            &["WONT ECHO"][..],
            &wrong,
            &[given, "WONT ECHO", "said hi|"]
        ]
        .concat()
    );
    let ended = shown(accounts(), b"\xff\xf1/login bob\r\n\r\nhi\r\n");
    assert_eq!(ended, [asked, "WILL ECHO", "WONT ECHO", "said hi|"]);
    let refused = shown(
        Prompt::new(Passwords::OfNewAccounts),
        b"\xff\xf1/register bob\nQ\nhi\n",
    );
    let reason = "-- a password has 8 to 128 characters";
    let asked_new = "-- new password:";
    assert_eq!(
        refused,
        [asked_new, "WILL ECHO", "WONT ECHO", reason, "left"]
    );
    // A telnet that shows itself at the first prompt.
    let newcomer = shown(Prompt::for_newcomer(Passwords::None), b"\xff\xfd\x03");
    assert_eq!(newcomer, [ASKED, "\\xff\\xfc\\x03", "WILL ECHO"]);
}

#[test]
fn do_echo_and_dont_echo_are_not_answered_while_a_password_is_typed() {
    let mut codec = codec(Prompt::new(Passwords::OfAccounts));
    let asked = transcript(&mut codec, b"\xff\xf1/login bob\r\n");
    assert_eq!(asked, ["-- password:", "WILL ECHO"]);
    let silence = transcript(&mut codec, b"\xff\xfd\x01\xff\xfe\x01QXZ ");
    assert_eq!(silence, [""; 0]);
    let given = transcript(&mut codec, b"QXZ QXZ\r\n");
    assert_eq!(given, ["login bob right", "WONT ECHO"]);
    let refused = transcript(&mut codec, b"\xff\xfd\x01\xff\xfd\x03");
    assert_eq!(refused, ["\\xff\\xfc\\x01\\xff\\xfc\\x03"]);
}

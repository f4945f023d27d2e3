//! A person at the terminal.

use crate::support::{chatbox, folder, run};

#[test]
fn without_configuration_a_group_is_requested_in_the_terminal() {
    let dir = folder();
    let input = "I would like a closed fortnightly group for 8 nurses, Tuesday afternoons on Teams, four sessions\n\
                 1\nthat's all\n1\n";
    let ran = run(chatbox::<&str>(dir.path(), []), input.as_bytes());
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(ran.out.starts_with("EXAMPLE DATA"), "{}", ran.out);
    assert!(ran.out.contains("KWG-"), "{}", ran.out);
    assert!(ran.out.lines().all(|line| line.chars().count() <= 80), "{}", ran.out);
    assert!(dir.path().join("chatbox.db").exists());

    let ran = run(chatbox(dir.path(), ["requests", "--json"]), b"");
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let request: serde_json::Value = serde_json::from_str(ran.out.trim()).unwrap();
    assert_eq!(request["data"]["sessions"], 4);
}

#[test]
fn a_chat_goes_on_where_it_stopped() {
    let dir = folder();
    let first = run(
        chatbox(dir.path(), ["chat"]),
        b"I want to set up a group for my team\nwe know we need something\n",
    );
    assert_eq!(first.code, Some(0), "{}", first.err);
    let second = run(chatbox(dir.path(), ["chat"]), b"closed\n");
    assert!(second.out.contains("Here is where we were"), "{}", second.out);
    assert!(second.out.contains("open (a drop-in) or closed"), "{}", second.out);
    assert!(second.out.contains("Online or on site"), "{}", second.out);
}

//! The support itself: what people do on the server reaches other people, encrypted.

use chatbox_matrix_synapse::{Gate, Synapse};
use serde_json::json;

#[tokio::test]
async fn two_people_talk_encrypted_and_everything_that_a_client_can_do_arrives() {
    let synapse = Synapse::shared().await;
    let ann = synapse.person("ann").await;
    let ben = synapse.person("ben").await;
    let hers = ann.opens(&[&ben.id], true).await;
    let his = ben.accepts().await;
    assert_eq!(hers.ready(&ben.id).await, std::slice::from_ref(&ben.device));
    his.ready(&ann.id).await;

    let hello = hers.says("hello").await;
    let heard = his.next(&ann.id).await;
    assert_eq!((heard.id.as_str(), heard.text(), heard.encrypted), (hello.as_str(), "hello", true));
    his.replies(&hello, "hello yourself").await;
    let reply = hers.next(&ben.id).await;
    assert_eq!(reply.content["m.relates_to"]["m.in_reply_to"]["event_id"], json!(hello));
    his.says_under(&hello, "in a thread").await;
    assert_eq!(hers.next(&ben.id).await.thread(), Some(hello.as_str()));
    hers.edits(&hello, "hello all").await;
    let edit = his.finds("the edit", |event| event.replaces() == Some(&hello)).await;
    assert_eq!(edit.content["m.new_content"]["body"], "hello all");
    let thumb = his.reacts(&hello, "👍").await;
    let seen = hers.finds("the reaction", |event| event.id == thumb).await;
    assert!(!seen.encrypted, "reactions are never encrypted");
    hers.takes_back(&hello).await;
    his.finds("the redaction", |event| event.redacts.as_deref() == Some(&hello)).await;
    hers.sends_file("m.image", "a.png", "image/png", "aGVsbG8=", json!({})).await;
    let picture = his.next(&ann.id).await;
    assert_eq!(ben.fetches(&picture.content["file"]).await, "aGVsbG8=");
}

#[tokio::test]
async fn keys_that_are_kept_back_make_a_message_unreadable() {
    let synapse = Synapse::shared().await;
    let ann = synapse.person("ann").await;
    let ben = synapse.person("ben").await;
    let hers = ann.opens(&[&ben.id], true).await;
    let his = ben.accepts().await;
    hers.ready(&ben.id).await;
    ann.keeps_keys_back().await;
    let secret = hers.says("secret").await;
    assert!(his.finds("the message", |event| event.id == secret).await.unreadable);
    ann.hands_keys_over().await;
    hers.says("open").await;
    let open = his.next(&ann.id).await;
    assert_eq!((open.text(), open.encrypted), ("open", true));
}

#[tokio::test]
async fn gate_passes_answers_and_loses() {
    let synapse = Synapse::shared().await;
    let gate = Gate::to(synapse.url()).await;
    let versions = format!("{}/_matrix/client/versions", gate.url());
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let status = || async { client.get(&versions).send().await.expect("the gate stands").status().as_u16() };
    assert_eq!(status().await, 200);
    gate.answer_times(1, "client/versions", 429, "{}");
    gate.lose_answers(1, "client/versions");
    assert_eq!([status().await, status().await, status().await], [429, 504, 200]);
    gate.answer("versions", 503, "{}");
    assert_eq!(status().await, 503);
    gate.open();
    assert_eq!(status().await, 200);
}

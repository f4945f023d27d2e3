//! The stand-in as a program in another language sees it: plain HTTP in, JSON out.
#![expect(clippy::unwrap_used, reason = "what a test cannot go on without may end it, also in helpers")]

use chatbox_telegram_standin::Standin;
use serde_json::{Value, json};

const TOKEN: &str = "12345:wire";

struct Client {
    standin: Standin,
    http: reqwest::Client,
}

impl Client {
    async fn start() -> Self {
        Self { standin: Standin::start(TOKEN).await.unwrap(), http: reqwest::Client::new() }
    }

    /// Status and body of a Bot API call.
    async fn call(&self, method: &str, params: Value) -> (u16, Value) {
        self.post(&format!("/bot{TOKEN}/{method}"), params).await
    }

    /// The description with which a call is refused.
    async fn refused(&self, method: &str, params: Value) -> String {
        let (status, body) = self.call(method, params).await;
        assert_eq!(body["ok"], false, "{body}");
        assert_eq!(body["error_code"], status);
        body["description"].as_str().unwrap().to_owned()
    }

    async fn order(&self, name: &str, order: Value) -> Value {
        let (status, body) = self.post(&format!("/_standin/{name}"), order).await;
        assert_eq!(status, 200, "{body}");
        body
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        let url = format!("{}{path}", self.standin.url());
        let request = self.http.post(url).header("content-type", "application/json").body(body.to_string());
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap())
    }
}

#[tokio::test]
async fn a_conversation_is_driven_over_http_alone() {
    let client = Client::start().await;
    client.order("user", json!({"id": 7, "name": "Sam"})).await;
    client.order("says", json!({"user": 7, "text": "/start"})).await;
    let (_, updates) = client.call("GETUPDATES", json!({})).await;
    assert_eq!(updates["result"][0]["message"]["text"], "/start");
    let keyboard = json!({"inline_keyboard": [[{"text": "Yes", "callback_data": "y"}]]});
    // The same in a form, with the keyboard as a string.
    let form = format!("chat_id=7&text=Well%3F&reply_markup={}", keyboard.to_string().replace(' ', "+"));
    let url = format!("{}/bot{TOKEN}/sendmessage?{form}", client.standin.url());
    assert_eq!(client.http.get(url).send().await.unwrap().status(), 200);
    let heard = client.order("wait", json!({"chat": 7, "contains": "Well"})).await;
    assert_eq!(heard["keyboard"][0][0]["data"], "y");
    let pressed = client.order("presses", json!({"user": 7, "button": "Yes"})).await;
    let answer = json!({"callback_query_id": pressed["query_id"]});
    assert_eq!(client.call("answerCallbackQuery", answer.clone()).await.0, 200);
    assert!(client.refused("answerCallbackQuery", answer).await.contains("query is too old"));
    let (status, error) = client.post("/_standin/presses", json!({"user": 7, "button": "No"})).await;
    assert_eq!(status, 400);
    assert!(error["error"].as_str().unwrap().contains("there are: Yes"), "{error}");

    let last = updates["result"][0]["update_id"].as_i64().unwrap();
    let (_, left) = client.call("getUpdates", json!({"offset": last + 1})).await;
    assert_eq!(left["result"].as_array().unwrap().len(), 1, "the press is not confirmed yet");
    let (_, newest) = client.call("getUpdates", json!({"offset": -1})).await;
    assert_eq!(left, newest);
    let transcript = client.order("transcript", json!({"chat": 7})).await;
    let events: Vec<&str> =
        transcript.as_array().unwrap().iter().map(|entry| entry["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["sent", "sent", "pressed", "answered"]);
}

#[tokio::test]
async fn telegrams_refusals_are_telegrams_own() {
    let client = Client::start().await;
    let sam = client.standin.user(7, "Sam");
    assert_eq!(client.post("/bot1:other/getMe", json!({})).await.0, 401);
    assert_eq!(client.call("dance", json!({})).await.0, 404);
    let hello = json!({"chat_id": 7, "text": "hello"});
    assert_eq!(client.refused("sendMessage", hello.clone()).await, "Bad Request: chat not found");
    let words = sam.says("hello");
    let (_, sent) = client.call("sendMessage", hello.clone()).await;
    let id = sent["result"]["message_id"].clone();
    for (params, part) in [
        (json!({"chat_id": 7, "text": "  "}), "text is empty"),
        (json!({"chat_id": 7, "text": "💙".repeat(2049)}), "message is too long"),
        (json!({"chat_id": 7, "text": "<b>x", "parse_mode": "HTML"}), "can't parse entities"),
        (json!({"chat_id": 7, "text": "x", "message_thread_id": 5}), "thread not found"),
        (json!({"chat_id": 7, "text": "x", "reply_parameters": {"message_id": 99}}), "replied not found"),
        (
            json!({"chat_id": 7, "text": "x", "reply_markup":
                {"inline_keyboard": [[{"text": "x", "callback_data": "x".repeat(65)}]]}}),
            "BUTTON_DATA_INVALID",
        ),
    ] {
        let refusal = client.refused("sendMessage", params).await;
        assert!(refusal.contains(part), "{refusal}");
    }
    let same = json!({"chat_id": 7, "message_id": id, "text": "hello"});
    assert!(client.refused("editMessageText", same).await.contains("message is not modified"));
    let theirs = json!({"chat_id": 7, "message_id": words, "text": "changed"});
    assert!(client.refused("editMessageText", theirs).await.contains("can't be edited"));
    client.order("advance", json!({"seconds": 49 * 3600})).await;
    let old = json!({"chat_id": 7, "message_id": id});
    assert!(client.refused("deleteMessage", old).await.contains("can't be deleted"));
    sam.blocks();
    let blocked = "Forbidden: bot was blocked by the user";
    assert_eq!(client.refused("sendMessage", hello.clone()).await, blocked);
    sam.unblocks();
    client.order("fault", json!({"method": "sendMessage", "what": {"retry_after": 2}})).await;
    let (status, pause) = client.call("sendMessage", hello.clone()).await;
    assert_eq!((status, &pause["parameters"]["retry_after"]), (429, &json!(2)));
    assert_eq!(client.call("sendMessage", hello).await.0, 429, "too early");
    assert_eq!(client.order("state", json!({})).await["violations"], 1);
}

#[tokio::test]
async fn files_go_both_ways() {
    let client = Client::start().await;
    let sam = client.standin.user(7, "Sam");
    sam.sends_voice("listen");
    let (_, updates) = client.call("getUpdates", json!({})).await;
    let voice = &updates["result"][0]["message"];
    assert_eq!(voice["caption"], "listen");
    let (_, file) = client.call("getFile", json!({"file_id": voice["voice"]["file_id"]})).await;
    let path = file["result"]["file_path"].as_str().unwrap();
    let url = format!("{}/file/bot{TOKEN}/{path}", client.standin.url());
    let bytes = client.http.get(url).send().await.unwrap().bytes().await.unwrap();
    assert_eq!(bytes.len(), file["result"]["file_size"]);
    let (_, photo) =
        client.call("sendPhoto", json!({"chat_id": 7, "photo": voice["voice"]["file_id"]})).await;
    assert_eq!(photo["ok"], true, "{photo}");
}

use std::sync::Arc;

use chatbox_telegram::{ConnectError, NOT_FOR_EMERGENCIES, Telegram};
use chatbox_telegram_standin::{Fault, Standin};

use crate::{TOKEN, config, connect, noon, pair};

#[tokio::test]
async fn commands_and_descriptions_are_set_once() {
    let (standin, telegram) = pair().await;
    assert_eq!(telegram.username(), "standin_bot");
    let commands = standin.profile("commands").unwrap();
    let names: Vec<&str> =
        commands.as_array().unwrap().iter().map(|command| command["command"].as_str().unwrap()).collect();
    assert_eq!(names, ["start", "menu", "person", "help", "stop", "privacy", "clear"]);
    let description = standin.profile("description").unwrap();
    assert!(description.as_str().unwrap().starts_with(NOT_FOR_EMERGENCIES));
    assert_eq!(standin.profile("short_description").unwrap(), NOT_FOR_EMERGENCIES);

    connect(&standin).await;
    for method in ["setMyCommands", "setMyDescription", "setMyShortDescription"] {
        assert_eq!(standin.calls(method).len(), 1, "{method} is limited: unchanged is not set again");
    }
}

#[tokio::test]
async fn a_profile_that_cannot_be_set_does_not_stop_the_bot() {
    let standin = Standin::start(TOKEN).await.unwrap();
    standin.fault(Fault::retry_after(3600).on("setMyDescription"));
    standin.fault(Fault::gateway(502).on("setMyCommands"));
    connect(&standin).await;
}

#[tokio::test]
async fn wrong_token_is_one_sentence_without_the_token() {
    let standin = Standin::start("999:another").await.unwrap();
    let error = Telegram::connect(config(&standin), Arc::new(noon)).await.unwrap_err();
    assert!(matches!(error, ConnectError::WrongToken), "{error:?}");
    assert!(error.to_string().contains("@BotFather"));
    assert!(!format!("{error}{error:?}").contains("contract-token"));
}

#[tokio::test]
async fn malformed_settings_are_told_apart() {
    let standin = Standin::start(TOKEN).await.unwrap();
    for token in ["", "secret", "12345:a/../b", "12345:a b", "abc:def", "1:x\n"] {
        let mut config = config(&standin);
        config.token = token.to_owned().into();
        let error = Telegram::connect(config, Arc::new(noon)).await.unwrap_err();
        assert!(matches!(error, ConnectError::Malformed), "{token:?}: {error:?}");
    }
    for url in ["api.telegram.org", "ftp://example.org", "http://127.0.0.1/?token=1", ""] {
        let mut config = config(&standin);
        config.api_url = url.to_owned();
        let error = Telegram::connect(config, Arc::new(noon)).await.unwrap_err();
        assert!(matches!(error, ConnectError::ApiUrl), "{url:?}: {error:?}");
    }
}

#[tokio::test]
async fn an_unreachable_server_is_named() {
    let standin = Standin::start(TOKEN).await.unwrap();
    let config = config(&standin);
    standin.goes_offline();
    let error = Telegram::connect(config, Arc::new(noon)).await.unwrap_err();
    assert_eq!(error.to_string(), format!("Telegram cannot be reached at {}", standin.url()));
}

#[tokio::test]
async fn polling_takes_a_webhook_away() {
    let standin = Standin::start(TOKEN).await.unwrap();
    let mut hooked = config(&standin);
    hooked.mode = chatbox_telegram::Mode::Webhook {
        url: "http://127.0.0.1:9/hook".to_owned(),
        secret: "s3cret".to_owned().into(),
        watch: crate::WITHIN,
    };
    Telegram::connect(hooked, Arc::new(noon)).await.unwrap();
    let sam = standin.user(7, "Sam");
    sam.says("hello");
    let telegram = connect(&standin).await;
    assert_eq!(crate::message(&crate::only(&telegram, &mut None).await).text, "hello");
}

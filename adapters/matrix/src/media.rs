//! Files, encrypted on the way in and out.

use std::{
    io::{Cursor, Read},
    time::Duration,
};

use chatbox_core::{channel::FetchError, effect::Media, input::FileRef};
use matrix_sdk::{
    Client,
    reqwest::StatusCode,
    ruma::{OwnedMxcUri, events::room::EncryptedFile},
};
use matrix_sdk_base::crypto::AttachmentDecryptor;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::timeout;

use crate::{
    account::Account,
    call::{Failure, failure_of},
    send::msgtype,
};

/// What a file is called that came without a name.
const NAMELESS: &str = "file";

/// Encrypts and uploads a file, and makes a message of it, whose words are then its caption.
pub(crate) async fn attach(
    client: &Client,
    content: &mut Value,
    media: &Media,
    file: &[u8],
) -> Result<(), Failure> {
    let mut reader = Cursor::new(file);
    let uploaded = client.upload_encrypted_file(&mut reader).await.map_err(|error| failure_of(&error))?;
    let name = media.file.name.as_deref().filter(|name| !name.is_empty()).unwrap_or(NAMELESS);
    content["msgtype"] = msgtype(media.kind).into();
    content["filename"] = name.into();
    content["file"] = serde_json::to_value(uploaded).map_err(|_| Failure::Local)?;
    content["info"] = serde_json::json!({ "size": file.len() });
    if let Some(mime) = &media.file.mime {
        content["info"]["mimetype"] = mime.as_str().into();
    }
    if content["body"] == "" {
        content["body"] = name.into();
        content["formatted_body"] = Value::Null;
        content["format"] = Value::Null;
    }
    if let Some(content) = content.as_object_mut() {
        content.retain(|_, value| !value.is_null());
    }
    Ok(())
}

/// Where a file is, and its key if it has one: what [`FileRef::handle`] holds.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Handle {
    File(Box<EncryptedFile>),
    Url(OwnedMxcUri),
}

/// See [`chatbox_core::channel::Channel::fetch`].
pub(crate) async fn fetch(
    account: &Account,
    file: &FileRef,
    limit: u64,
    within: Duration,
) -> Result<Vec<u8>, FetchError> {
    if file.size.is_some_and(|size| size > limit) {
        return Err(FetchError::TooLarge);
    }
    let handle: Handle = serde_json::from_str(&file.handle).map_err(|_| FetchError::Gone { code: 400 })?;
    let client = account.client().await.ok_or(FetchError::Later)?;
    timeout(within, async {
        match handle {
            Handle::Url(url) => download(&client, &url, limit).await,
            Handle::File(file) => {
                let sealed = download(&client, &file.url.clone(), limit).await?;
                let mut sealed = Cursor::new(sealed);
                let mut opened = Vec::new();
                // A wrong hash is an error at the end.
                AttachmentDecryptor::new(&mut sealed, (*file).into())
                    .map_err(|_| FetchError::Gone { code: 422 })?
                    .read_to_end(&mut opened)
                    .map_err(|_| FetchError::Gone { code: 422 })?;
                Ok(opened)
            }
        }
    })
    .await
    .unwrap_or(Err(FetchError::Later))
}

/// Downloads what is at an address, and stops where it is longer than `limit`.
async fn download(client: &Client, url: &OwnedMxcUri, limit: u64) -> Result<Vec<u8>, FetchError> {
    let (server, id) = url.parts().map_err(|_| FetchError::Gone { code: 400 })?;
    let mut address = client.homeserver();
    address.path_segments_mut().map_err(|()| FetchError::Gone { code: 400 })?.pop_if_empty().extend([
        "_matrix",
        "client",
        "v1",
        "media",
        "download",
        server.as_str(),
        id,
    ]);
    let token = client.access_token().ok_or(FetchError::Later)?;
    let mut answer =
        client.http_client().get(address).bearer_auth(token).send().await.map_err(|_| FetchError::Later)?;
    match answer.status() {
        StatusCode::OK => {}
        StatusCode::TOO_MANY_REQUESTS | StatusCode::UNAUTHORIZED => return Err(FetchError::Later),
        status if status.is_server_error() => return Err(FetchError::Later),
        status => return Err(FetchError::Gone { code: status.as_u16() }),
    }
    if answer.content_length().is_some_and(|length| length > limit) {
        return Err(FetchError::TooLarge);
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|_| FetchError::Later)? {
        if bytes.len() + chunk.len() > usize::try_from(limit).unwrap_or(usize::MAX) {
            return Err(FetchError::TooLarge);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

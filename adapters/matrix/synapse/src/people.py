"""People on Matrix who share no code with the bot: matrix-nio on libolm, driven over JSON lines.

In, a line each:   {"id": 1, "who": "@ann:chatbox.test", "do": "send", ...}
Out, a line each:  {"id": 1, "done": ...}  or  {"id": 1, "failed": "..."}
                   {"who": "@ann:chatbox.test", "room": "!..", "event": {...}}

One process holds as many people as a test binary needs. It ends when its input ends.
"""

import asyncio
import base64
import io
import json
import logging
import sys

from nio import (
    AsyncClient,
    AsyncClientConfig,
    JoinError,
    LoginResponse,
    MegolmEvent,
    RoomCreateResponse,
    RoomSendResponse,
    ShareGroupSessionResponse,
    SyncResponse,
    UploadResponse,
)
from nio.crypto.attachments import decrypt_attachment

logging.disable(logging.CRITICAL)

PATIENCE = 60
FILTER = {"room": {"timeline": {"limit": 5000}}}
PEOPLE = {}


def emit(line):
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


class Person(AsyncClient):
    """One account. What it has seen goes out as it comes."""

    def __init__(self, homeserver, user, folder):
        config = AsyncClientConfig(encryption_enabled=True, max_timeouts=100, store_sync_tokens=False)
        super().__init__(homeserver, user, store_path=folder, config=config)
        self.news = asyncio.Condition()
        # Keys that were made and are kept back, while that is asked for.
        self.kept_back = None

    async def _send(self, response_class, method, path, data=None, response_data=None, **rest):
        if response_class is ShareGroupSessionResponse and self.kept_back is not None:
            self.kept_back.append((method, path, data, response_data))
            response = ShareGroupSessionResponse(*response_data)
            await self.receive_response(response)
            return response
        return await super()._send(response_class, method, path, data, response_data, **rest)

    async def follow(self):
        while True:
            try:
                await self.follow_once()
            except Exception as error:
                # What this person asks for at the same time may have done the same already.
                trouble = f"{self.user_id}: {type(error).__name__}: {error}"
                print(f"people.py goes on after: {trouble}", file=sys.stderr)
                await asyncio.sleep(0.2)

    async def follow_once(self):
        response = await self.sync(timeout=30000, sync_filter=FILTER)
        if not isinstance(response, SyncResponse):
            raise RuntimeError(str(response))
        try:
            for room, joined in response.rooms.join.items():
                for event in joined.timeline.events:
                    self.tell(room, event)
                for event in joined.ephemeral:
                    users = getattr(event, "users", None)
                    if users is not None:
                        emit({"who": self.user_id, "room": room, "typing": users})
            for room in response.rooms.invite:
                emit({"who": self.user_id, "room": room, "invited": True})
            await self.keep_house()
        finally:
            async with self.news:
                self.news.notify_all()

    async def keep_house(self):
        if self.should_upload_keys:
            await self.keys_upload()
        if self.should_query_keys:
            await self.keys_query()
        if self.should_claim_keys:
            await self.keys_claim(self.get_users_for_key_claiming())
        await self.send_to_device_messages()

    def tell(self, room, event):
        source = event.source
        emit(
            {
                "who": self.user_id,
                "room": room,
                "event": {
                    "id": event.event_id,
                    "sender": event.sender,
                    "at": event.server_timestamp,
                    "type": source.get("type", ""),
                    "content": source.get("content", {}),
                    "redacts": source.get("redacts") or source.get("content", {}).get("redacts"),
                    "encrypted": bool(getattr(event, "decrypted", False)),
                    "unreadable": isinstance(event, MegolmEvent),
                },
            }
        )

    async def until(self, what, holds):
        async def wait():
            async with self.news:
                await self.news.wait_for(holds)

        try:
            await asyncio.wait_for(wait(), PATIENCE)
        except asyncio.TimeoutError:
            raise RuntimeError(f"waited {PATIENCE} s for {what}") from None

    # What can be asked for, a method each.

    async def do_room(self, invite, encrypted, direct, name=None):
        state = []
        if encrypted:
            content = {"algorithm": "m.megolm.v1.aes-sha2"}
            state.append({"type": "m.room.encryption", "state_key": "", "content": content})
        response = await self.room_create(is_direct=direct, invite=invite, initial_state=state, name=name)
        room = expect(response, RoomCreateResponse).room_id
        await self.until("a room of one's own", lambda: room in self.rooms)
        return room

    async def do_ready(self, room, user, but=()):
        """Waits until a message in the room would be encrypted for a device of that user."""

        def devices():
            if room not in self.rooms or user not in self.rooms[room].users:
                return []
            if not self.rooms[room].encrypted:
                return ["none needed"]
            found = [d.device_id for d in self.device_store.active_user_devices(user)]
            return [device for device in found if device not in but]

        await self.until(f"{user} in the room", lambda: bool(devices()))
        return devices()

    async def do_join(self, room):
        response = await self.join(room)
        if isinstance(response, JoinError):
            raise RuntimeError(str(response))
        await self.until("the joined room", lambda: room in self.rooms)

    async def do_send(self, room, type, content, txn=None):
        response = await self.room_send(room, type, content, tx_id=txn, ignore_unverified_devices=True)
        return expect(response, RoomSendResponse).event_id

    async def do_file(self, room, name, mime, msgtype, data, extra):
        """An encrypted file."""
        data = base64.b64decode(data)
        answer, keys = await self.upload(
            lambda *_: io.BytesIO(data), content_type=mime, filename=name, encrypt=True, filesize=len(data)
        )
        file = dict(keys, url=expect(answer, UploadResponse).content_uri, mimetype=mime)
        content = {"msgtype": msgtype, "body": name, "info": {"mimetype": mime, "size": len(data)}, "file": file}
        return await self.do_send(room, "m.room.message", {**content, **extra})

    async def do_fetch(self, file):
        answer = await self.download(file["url"])
        data = answer.body
        if "key" in file:
            data = decrypt_attachment(data, file["key"]["k"], file["hashes"]["sha256"], file["iv"])
        return base64.b64encode(data).decode()

    async def do_keep_keys_back(self):
        """From now on messages are encrypted with keys that nobody was given."""
        self.kept_back = []
        for room in list(self.olm.outbound_group_sessions):
            self.olm.outbound_group_sessions.pop(room)

    async def do_hand_keys_over(self):
        kept, self.kept_back = self.kept_back or [], None
        for method, path, data, response_data in kept:
            await self._send(ShareGroupSessionResponse, method, path, data, response_data=response_data)
        return len(kept)

    async def do_call(self, method, path, body=None):
        """Any other request, with this account's token."""
        headers = {"Authorization": f"Bearer {self.access_token}"}
        async with self.client_session.request(
            method, self.homeserver + path, json=body, headers=headers
        ) as response:
            return {"status": response.status, "body": await response.json(content_type=None)}


def expect(response, kind):
    if not isinstance(response, kind):
        raise RuntimeError(str(response))
    return response


async def login(homeserver, user, password, folder):
    person = Person(homeserver, user, folder)
    expect(await person.login(password, device_name="a person"), LoginResponse)
    PEOPLE[user] = person
    if person.should_upload_keys:
        await person.keys_upload()
    person.following = asyncio.create_task(person.follow())
    return person.device_id


async def answer(line):
    number, who, do = line.pop("id"), line.pop("who"), line.pop("do")
    try:
        if do == "login":
            done = await login(user=who, **line)
        else:
            done = await getattr(PEOPLE[who], f"do_{do}")(**line)
        emit({"id": number, "done": done})
    except Exception as error:  # whatever it is, whoever asked has to hear of it
        emit({"id": number, "failed": f"{do}: {type(error).__name__}: {error}"})


async def main():
    loop = asyncio.get_running_loop()
    running = set()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        task = asyncio.create_task(answer(json.loads(line)))
        running.add(task)
        task.add_done_callback(running.discard)
    for person in PEOPLE.values():
        person.following.cancel()
        await person.close()


asyncio.run(main())

"""A mail server for tests: aiosmtpd, told by its arguments how to behave.

    mailbox.py FOLDER [KEY=VALUE …]

Prints its port, and makes FOLDER/listening. Each mail that it takes is a line of JSON in FOLDER/mails: who sent it to whom, after
whose login, and what Python's own reader finds in it; each login that was tried, one in FOLDER/logins.

    port=N             listen there, else anywhere
    certificate=PATH key=PATH
    tls=first|starttls|none
    login=USER:PASSWORD    this one is needed, others are refused
    rcpt=CODE,CODE…    the answers to recipients, one after the other; the last one for the others
    data=CODE,CODE…    the same for mails
    slow=SECONDS       thinks for so long before it answers a mail, which it has taken by then
    silent=greeting|quit|data   says nothing more when that is due
"""

import asyncio
import email
import email.policy
import json
import os
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

FOLDER = sys.argv[1]
WISH = {"tls": "none"} | dict(word.split("=", 1) for word in sys.argv[2:])


def note(name, fact):
    with open(f"{FOLDER}/{name}", "a") as file:
        file.write(json.dumps(fact) + "\n")


def codes(key):
    wanted = WISH.get(key, "250").split(",")
    while True:
        yield wanted.pop(0) if len(wanted) > 1 else wanted[0]


RCPT, DATA = codes("rcpt"), codes("data")


def read(content):
    mail = email.message_from_bytes(content, policy=email.policy.default)
    parts = [mail] + [mail[name] for name in mail]
    return {
        "headers": {name.lower(): str(mail[name]) for name in mail},
        "text": mail.get_content().replace("\r\n", "\n"),
        "defects": [repr(defect) for part in parts for defect in part.defects],
        "longest": max(len(line) for line in content.split(b"\r\n")),
        "ascii": content.isascii() and content.count(b"\n") == content.count(b"\r\n"),
        "raw": content.decode("latin-1"),
    }


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        code = next(RCPT)
        if code == "250":
            envelope.rcpt_tos.append(address)
        return f"{code} as told"

    async def handle_DATA(self, server, session, envelope):
        if WISH.get("silent") == "data":
            await asyncio.sleep(1000)
        code = next(DATA)
        if code == "250":
            user = session.auth_data.login.decode() if session.auth_data else None
            fact = {"from": envelope.mail_from, "to": envelope.rcpt_tos, "user": user}
            fact["tls"] = session.ssl is not None or WISH["tls"] == "first"
            note("mails", fact | read(envelope.original_content))
        await asyncio.sleep(float(WISH.get("slow", 0)))
        return f"{code} as told"


def login(server, session, envelope, mechanism, data):
    tried = f"{data.login.decode()}:{data.password.decode()}"
    note("logins", {"mechanism": mechanism, "tried": tried})
    return AuthResult(success=tried == WISH["login"], handled=False, auth_data=data)


class Mailbox(SMTP):
    async def smtp_QUIT(self, argument):
        if WISH.get("silent") == "quit":
            await asyncio.sleep(1000)
        await super().smtp_QUIT(argument)

    async def push(self, status):
        if WISH.get("silent") == "greeting":
            await asyncio.sleep(1000)
        await super().push(status)


async def main():
    context = None
    if "certificate" in WISH:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(WISH["certificate"], WISH["key"])
    options = {"hostname": "mail.test"}
    if WISH["tls"] == "starttls":
        options |= {"tls_context": context, "require_starttls": True}
    if "login" in WISH:
        options |= {"authenticator": login, "auth_required": True}
        options["auth_require_tls"] = WISH["tls"] == "starttls"
    server = await asyncio.get_running_loop().create_server(
        lambda: Mailbox(Handler(), **options), "127.0.0.1", int(WISH.get("port", 0)),
        ssl=context if WISH["tls"] == "first" else None)
    print(server.sockets[0].getsockname()[1], flush=True)
    open(f"{FOLDER}/listening", "w").close()
    await server.serve_forever()


asyncio.run(main())

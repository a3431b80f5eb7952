// An agent's main job, typed by the generated client: what doesn't fit the document doesn't compile.
//
//     DOSSIER_URL=… DOSSIER_EMAIL=… DOSSIER_PASSWORD=… npm start      as an administrator, who may make a channel

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

type Problem = components["schemas"]["Problem"];

function setting(name: string): string {
  const value = process.env[name];
  assert(value, `${name} is not set`);
  return value;
}

/** The data of an answer, or the problem that came instead. */
function expect<T>(answer: { data?: T; error?: Problem; response: Response }): T {
  if (answer.data === undefined) {
    throw new Error(`${answer.response.status} ${answer.error?.code}: ${answer.error?.detail}`);
  }
  return answer.data;
}

const api = createClient<paths>({ baseUrl: setting("DOSSIER_URL") });
const email = setting("DOSSIER_EMAIL");

const refused = await api.POST("/v1/auth/login", { body: { email, password: "not the password" } });
assert.equal(refused.error?.code, "credentials_invalid");
const session = expect(await api.POST("/v1/auth/login", { body: { email, password: setting("DOSSIER_PASSWORD") } }));
api.use({
  onRequest({ request }) {
    request.headers.set("Authorization", `Bearer ${session.access_token}`);
    return request;
  },
});
const me = expect(await api.GET("/v1/me"));
assert.equal(me.email, email);

// Somebody writes, from two addresses.
const run = randomUUID();
const channel = expect(await api.POST("/v1/channels", { body: { name: `TypeScript ${run}`, medium: "email" } }));
async function write(address: string, body: string) {
  const params = { path: { id: channel.id } };
  const message = { external_id: randomUUID(), from: { address, name: "Ada Lovelace" }, body };
  return expect(await api.POST("/v1/channels/{id}/inbound", { params, body: message }));
}
const work = await write(`ada.${run}@work.example`, "Where is my order?");
const home = await write(`ada.${run}@home.example`, "And my other order?");

const conversations = expect(
  await api.GET("/v1/conversations", { params: { query: { channel_id: [channel.id], status: ["open"], limit: 1 } } }),
);
const newest = conversations.data[0];
assert.equal(newest?.id, home.conversation_id);
assert.equal(newest.contact.name, "Ada Lovelace");
assert.equal(newest.profile, null);
assert(conversations.next_cursor);
const query = { channel_id: [channel.id], status: ["open" as const], limit: 1, cursor: conversations.next_cursor };
const rest = expect(await api.GET("/v1/conversations", { params: { query } }));
assert.deepEqual(rest.data.map(({ id }) => id), [work.conversation_id]);

// Create-and-attach, and attach the other.
const attach = await api.PUT("/v1/contacts/{id}/profile", {
  params: { path: { id: work.contact_id }, header: { "Idempotency-Key": randomUUID() } },
  body: { new_profile: { name: "Ada Lovelace" } },
});
assert.equal(attach.response.status, 201);
const { profile } = expect(attach);
const other = { params: { path: { id: home.contact_id } } };
const attached = expect(await api.PUT("/v1/contacts/{id}/profile", { ...other, body: { profile_id: profile.id } }));
assert.equal(attached.profile.contact_count, 2);
const taken = await api.PUT("/v1/contacts/{id}/profile", { ...other, body: { new_profile: { name: "Another" } } });
assert.equal(taken.error?.code, "contact_already_attached");

const moments = expect(
  await api.GET("/v1/profiles/{id}/contact-moments", { params: { path: { id: profile.id }, query: { q: "order" } } }),
);
assert.deepEqual(moments.data.map((moment) => moment.conversation_id), [home.conversation_id, work.conversation_id]);

const note = expect(
  await api.POST("/v1/profiles/{id}/notes", {
    params: { path: { id: profile.id } },
    body: { body: "Prefers to be called in the morning.", mentions: [me.id] },
  }),
);
const beside = { params: { path: { id: work.conversation_id } } };
const sidebar = expect(await api.GET("/v1/conversations/{id}/sidebar", beside));
assert.equal(sidebar.contact.contact.id, work.contact_id);
assert.equal(sidebar.profile?.profile.id, profile.id);
assert.deepEqual(sidebar.profile.contacts.data.map(({ id }) => id).sort(), [work.contact_id, home.contact_id].sort());
assert.deepEqual(sidebar.profile.notes.data.map(({ id }) => id), [note.id]);

// Two edit at once: the second is told.
const edit = (version: number, name: string) =>
  api.PATCH("/v1/profiles/{id}", {
    params: { path: { id: profile.id }, header: { "If-Match": `"${version}"` } },
    body: { name },
  });
expect(await edit(attached.profile.version, "Ada King"));
assert.equal((await edit(attached.profile.version, "Ada Byron")).error?.code, "version_mismatch");

const detached = await api.DELETE("/v1/contacts/{id}/profile", other);
assert.equal(detached.response.status, 204);
const contact = expect(await api.GET("/v1/contacts/{id}", other));
assert.equal(contact.profile, null);
expect(await api.POST("/v1/channels/{id}/archive", { params: { path: { id: channel.id } } }));
console.log("TypeScript: done");

/** What the users of the scripts do. Artillery calls these by name. */

import { randomUUID } from 'node:crypto';
import { Inbox } from './inbox.mjs';
import { nextSocketUrl, publish, tokenFor } from './rest.mjs';
import { Room } from './room.mjs';
import { numberSetting, setting } from './settings.mjs';

/** The room in which the next one sits down. */
let room;

export function connectToNews(args, context, done) {
  connect(args, context, `${setting('HALLEY_CHANNELS')}-news`).then(() => done(), done);
}

export function connectToRoom(args, context, done) {
  if (!room?.hasSeats) {
    room = new Room(
      `${setting('HALLEY_CHANNELS')}-room-${randomUUID()}`,
      numberSetting('HALLEY_ROOM'),
    );
  }
  room.sit();
  context.vars.room = room;
  connect(args, context, room.name).then(() => done(), done);
}

async function connect(args, context, channel) {
  const clientId = `artillery-${randomUUID()}`;
  const url = new URL(await nextSocketUrl());
  url.searchParams.set('token', await tokenFor(clientId, channel));
  args.target = url.href;
  Object.assign(context.vars, { channel, clientId });
}

/** Until the server has said that messages come from now on. */
export async function subscribe(context, events) {
  const { channel } = context.vars;
  const begun = performance.now();
  context.vars.inbox = new Inbox(context.ws, () => events.emit('counter', 'halley.received', 1));
  context.ws.send(JSON.stringify({ type: 'subscribe', ref: 1, channel }));
  await context.vars.inbox.until('subscribed', ({ type }) => type === 'subscribed');
  events.emit('histogram', 'halley.subscribe_ms', performance.now() - begun);
}

/** POSTs a message to the channel and waits until it is here. */
export async function publishAndReceive(context, events) {
  const { channel, inbox } = context.vars;
  const id = randomUUID();
  const begun = performance.now();
  const arrived = inbox.until('a message', ({ data }) => data?.id === id);
  await Promise.all([publish(channel, { id }), arrived]);
  events.emit('histogram', 'halley.delivery_ms', performance.now() - begun);
  events.emit('counter', 'halley.delivered', 1);
}

export async function joinRoom(context, events) {
  await subscribe(context, events);
  await context.vars.room.join();
}

/** Says its lines and waits until those of all are here. */
export async function talk(context, events) {
  const { channel, clientId, inbox, room } = context.vars;
  const lines = numberSetting('HALLEY_MESSAGES');
  const expected = room.seats * lines;
  events.emit('counter', 'halley.expected', expected);
  for (let line = 1; line <= lines; line += 1) {
    const key = `${clientId}-${line}`;
    const begun = performance.now();
    const arrived = inbox.until('a line', ({ data }) => data?.key === key);
    context.ws.send(JSON.stringify({ type: 'publish', ref: key, key, channel, data: { key } }));
    await arrived;
    events.emit('histogram', 'halley.delivery_ms', performance.now() - begun);
  }
  await inbox.until('all lines', ({ type }) => type === 'message', expected);
}

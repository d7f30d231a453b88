/** The demo page with the real SDK, in the browsers: what it shows off has to be so. */

/// <reference lib="dom" />

import type { Browser } from 'puppeteer-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { BROWSERS, startBrowser } from '../kit/browsers.js';
import { Person } from '../kit/demo.js';
import { useFleet } from '../kit/use-fleet.js';
import { eventually } from '../kit/wait.js';

const BROWSER_DEADLINE_MS = 120_000;
const HOSTILE = '<img src=x onerror="document.title=1"><b>bold</b> &amp; {{x}}';

describe.each(BROWSERS)('the demo in %s', { timeout: BROWSER_DEADLINE_MS }, (browserName) => {
  const stack = useFleet({ edges: 2 });
  let browser: Browser;
  let people: Person[] = [];
  let lastRoom = 0;
  let room = '';

  beforeAll(async () => {
    browser = await startBrowser(browserName);
  }, BROWSER_DEADLINE_MS);

  afterEach(async () => {
    const left = people;
    people = [];
    for (const person of left) expect(await person.violations()).toEqual([]);
    for (const person of left) await person.leave();
  });

  afterAll(async () => {
    await browser?.close();
  }, BROWSER_DEADLINE_MS);

  const newRoom = () => {
    lastRoom += 1;
    room = `room-${lastRoom}`;
  };

  async function enter(name: string, { query = '', edge = 0 } = {}): Promise<Person> {
    const person = await Person.enter(browser, stack.edge(edge).url, name, room, query);
    people.push(person);
    return person;
  }

  const publish = (data: unknown) => stack.rest.publish(`demo:${room}`, data);

  test('two people on two edges see each other, chat, and see each other leave', async () => {
    newRoom();
    const ada = await enter('ada');
    const bob = await enter('bob', { edge: 1 });
    await ada.shows('#people', 'bob');
    await bob.shows('#people', 'ada');
    await ada.shows('#messages', 'bob joined');
    await ada.shows('#people-count', '2');
    await ada.says('hello bob');
    await bob.shows('#messages', 'hello bob');
    await bob.says(HOSTILE);
    await ada.shows('#messages', HOSTILE);
    await publish('from a shell');
    await ada.shows('#messages', 'from a shell');
    expect(await ada.messages()).toEqual(['hello bob', HOSTILE, 'from a shell']);
    await eventually(async () => (await bob.messages()).length === 3, 'bob has all three');
    expect(await bob.messages()).toEqual(['hello bob', HOSTILE, 'from a shell']);
    expect(await ada.page.$('#messages .sending, #messages .failed, #messages img')).toBeNull();
    people = people.filter((person) => person !== bob);
    await bob.leave();
    await ada.shows('#messages', 'bob left');
    await ada.shows('#people-count', '1');
  });

  test('who types is shown, until the message is there', async () => {
    newRoom();
    const ada = await enter('ada');
    const bob = await enter('bob');
    await bob.types('#text', 'well');
    await ada.shows('#typing', 'bob is typing');
    expect(await bob.text('#typing')).toBe('');
    await bob.page.keyboard.press('Enter');
    await ada.shows('#messages', 'well');
    await ada.showsNot('#typing', 'bob');
    await bob.types('#text', 'never sent');
    await ada.shows('#typing', 'bob is typing');
    await ada.showsNot('#typing', 'bob');
    expect(await ada.messages()).toEqual(['well']);
  });

  test('the history is there at once, after a reload too, which keeps name and room', async () => {
    newRoom();
    const texts = Array.from({ length: 60 }, (_, index) => `message ${index}`);
    for (const text of texts) await publish({ text });
    const ada = await enter('ada');
    await ada.shows('#messages', 'message 59');
    expect(await ada.messages()).toEqual(texts.slice(-50));
    await publish('the newest');
    await ada.page.goto(`${stack.edge().url}/demo`);
    await ada.isIn('ada', 'lobby');
    await ada.presses('#rooms button', room);
    await ada.isIn('ada', room);
    await ada.shows('#messages', 'the newest');
    expect(await ada.messages()).toEqual([...texts.slice(-49), 'the newest']);
  });

  test('rooms: unread messages are counted; a room that is left says nothing more', async () => {
    newRoom();
    const ada = await enter('ada');
    await ada.types('#room-name', `${room}-b`);
    await ada.page.keyboard.press('Enter');
    await ada.isIn('ada', `${room}-b`);
    await publish('one');
    await publish('two');
    await ada.shows('#rooms .badge:not([hidden])', '2');
    await ada.presses('#rooms button', room);
    await ada.shows('#messages', 'two');
    expect(await ada.page.$('#rooms .badge:not([hidden])')).toBeNull();
    await ada.presses('#leave');
    await ada.showsNot('#title', room);
    await eventually(async () => {
      const { body } = await stack.rest.get(`/channels/demo:${room}/members`);
      return (body as { count: number }).count === 0;
    }, 'the edge has let go of the member');
  });

  test('a private message is for one, and says when its reader is away', async () => {
    newRoom();
    const ada = await enter('ada');
    const bob = await enter('bob', { edge: 1 });
    const eve = await enter('eve');
    await ada.presses('#people button', 'bob');
    await ada.shows('#title', 'bob');
    await ada.says('only for bob');
    await bob.shows('#privates', 'ada');
    await bob.shows('#privates .badge:not([hidden])', '1');
    await bob.presses('#privates button', 'ada');
    await bob.shows('#messages', 'only for bob');
    await bob.says('and only for ada');
    await ada.shows('#messages', 'and only for ada');
    await ada.page.keyboard.press('Escape');
    await ada.shows('#title', `#${room}`);
    await ada.says('for all');
    await eve.shows('#messages', 'for all');
    expect(await eve.messages()).toEqual(['for all']);
    expect(await eve.page.$$('#privates li')).toEqual([]);
    people = people.filter((person) => person !== bob);
    await ada.presses('#people button', 'bob');
    await bob.leave();
    await eventually(async () => {
      const { body } = await stack.rest.get('/clients/bob');
      return (body as { online: boolean }).online === false;
    }, 'bob is offline');
    await ada.says('are you there?');
    await ada.shows('#messages', 'bob is away');
  });

  test('a cut socket comes back, and no message is lost or repeated', async () => {
    newRoom();
    const ada = await enter('ada');
    const bob = await enter('bob', { edge: 1 });
    const first = await ada.text('[data-fact="connection"]');
    const texts = Array.from({ length: 60 }, (_, index) => `message ${index}`);
    for (const [index, text] of texts.entries()) {
      if (index === 20) await ada.presses('#cut');
      await publish(text);
    }
    await ada.shows('[data-fact="reconnects"]', '1');
    await ada.shows('#status-text', 'connected');
    expect(await ada.text('[data-fact="connection"]')).not.toBe(first);
    await bob.says('the last');
    await ada.shows('#messages', 'the last');
    expect(await ada.messages()).toEqual([...texts, 'the last']);
    expect(await bob.text('[data-fact="reconnects"]')).toBe('0');
    await ada.says('still here');
    await bob.shows('#messages', 'still here');
  });

  // All of them have tests of their own.
  test.each(['jsonp'])('by %s alone', async (transport) => {
    newRoom();
    const ada = await enter('ada', { query: `&transport=${transport}` });
    const bob = await enter('bob');
    expect(await ada.text('[data-fact="transport"]')).toBe(transport);
    expect(await ada.page.$eval('#transport', (one) => (one as HTMLSelectElement).value)).toBe(
      transport,
    );
    await bob.says('ping');
    await ada.shows('#messages', 'ping');
    await ada.says('pong');
    await bob.shows('#messages', 'pong');
    await ada.presses('#cut');
    await ada.shows('[data-fact="reconnects"]', '1');
    await bob.says('back?');
    await ada.shows('#messages', 'back?');
    expect(await ada.messages()).toEqual(['ping', 'pong', 'back?']);
  });

  test('all of it by keyboard', async () => {
    newRoom();
    const bob = await enter('bob');
    const ada = await Person.open(browser, `${stack.edge().url}/demo`);
    people.push(ada);
    await ada.page.bringToFront();
    await ada.page.waitForSelector('dialog[open]');
    await ada.page.keyboard.press('Escape');
    await ada.page.keyboard.type('ada');
    await ada.page.keyboard.press('Enter');
    await ada.isIn('ada', 'lobby');
    await ada.tabsTo('#room-name', '', 'Shift+Tab');
    await ada.page.keyboard.type(room);
    await ada.page.keyboard.press('Enter');
    await ada.isIn('ada', room);
    await ada.page.keyboard.type('by keys');
    await ada.page.keyboard.press('Enter');
    await bob.shows('#messages', 'by keys');
    await ada.shows('#people', 'bob');
    await ada.tabsTo('#people button', 'bob', 'Shift+Tab');
    await ada.page.keyboard.press('Enter');
    await ada.page.keyboard.type('hush');
    await ada.page.keyboard.press('Enter');
    await bob.shows('#privates', 'ada');
    await ada.page.keyboard.press('Escape');
    await ada.shows('#title', `#${room}`);
    await ada.tabsTo('#cut');
    await ada.page.keyboard.press('Enter');
    await ada.shows('[data-fact="reconnects"]', '1');
    await ada.tabsTo('#log', '', 'Shift+Tab');
    expect(await ada.messages()).toEqual(['by keys']);
  });

  test('360 pixels are enough', async () => {
    newRoom();
    const ada = await enter('ada');
    await ada.page.setViewport({ width: 360, height: 640 });
    await ada.page.bringToFront();
    await publish(`no-place-to-break-${'x'.repeat(300)}`);
    await ada.shows('#messages', 'no-place');
    const overflow = () =>
      ada.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    await eventually(async () => (await overflow()) <= 0, 'nothing stands out to the right');
    for (const panel of ['side', 'inspector']) {
      await ada.presses(`#${panel}-toggle`);
      await ada.page.waitForSelector(`#${panel}:not([hidden])`);
      expect(await overflow()).toBeLessThanOrEqual(0);
      await ada.page.keyboard.press('Escape');
      await ada.page.waitForSelector(`#${panel}[hidden]`);
      const focused = await ada.page.evaluate(() => document.activeElement?.id);
      expect(focused).toBe(`${panel}-toggle`);
    }
    await ada.says('small');
  });
});

#!/usr/bin/env node
/** `npm run screenshots`: pictures of the demo for the documents, taken of a real Halley in Chromium. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from './lib/build.mjs';
import { ensurePackages, ensureRedisServer, ensureTestPrograms } from './lib/install.mjs';
import { ROOT } from './lib/run.mjs';
import { main, Stop, say } from './lib/say.mjs';

const FOLDER = join(ROOT, 'docs/images');
const PICTURE_MAX_BYTES = 200_000;
const START_DEADLINE_MS = 60_000;
const STOP_DEADLINE_MS = 10_000;
const STEP_DEADLINE_MS = 15_000;
const DESK = { width: 1280, height: 760 };
/** High enough for all of the inspector. */
const FINE_DESK = { width: 1280, height: 900, deviceScaleFactor: 2 };
const PHONE = { width: 360, height: 720, deviceScaleFactor: 2 };

await main(async () => {
  ensurePackages();
  ensureRedisServer();
  ensureTestPrograms();
  build();
  const { launch } = await import('puppeteer-core');
  const data = mkdtempSync(join(tmpdir(), 'halley-screenshots-'));
  const halley = await startHalley(data);
  const browser = await launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--lang=en-GB',
      '--no-sandbox',
      '--disable-dev-shm-usage',
      '--disable-gpu',
      '--hide-scrollbars',
    ],
  });
  try {
    mkdirSync(FOLDER, { recursive: true });
    await takePictures(browser, halley);
  } finally {
    await browser.close();
    await halley.stop();
    rmSync(data, { recursive: true, force: true });
  }
});

/** Starts `halley start` on free loopback ports with a Redis of its own. */
async function startHalley(dataDir) {
  const [api, edge] = [await freePort(), await freePort()];
  const child = spawn(process.execPath, [join(ROOT, 'apps/cli/dist/main.js'), 'start'], {
    cwd: dataDir,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      PATH: process.env.PATH,
      HALLEY_DATA_DIR: dataDir,
      HALLEY_API_PORT: String(api),
      HALLEY_EDGE_PORT: String(edge),
      HALLEY_EDGE_ADMIN_PORT: '0',
      HALLEY_EDGES: '1',
      HALLEY_DRAIN_SECONDS: '1',
    },
  });
  const exited = once(child, 'exit');
  const stop = async () => {
    child.kill('SIGTERM');
    await within(exited, STOP_DEADLINE_MS, 'Halley ends').catch(() => child.kill('SIGKILL'));
  };
  let printed = '';
  const isUp = new Promise((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text) => {
      printed += text;
      if (printed.includes('Halley is running')) resolve();
    });
    void exited.then(() => reject(new Stop('Halley did not start; see above.')));
  });
  try {
    await within(isUp, START_DEADLINE_MS, 'Halley runs');
  } catch (error) {
    await stop();
    throw error;
  }
  return { api: `http://127.0.0.1:${api}`, edge: `http://127.0.0.1:${edge}`, stop };
}

async function takePictures(browser, { api, edge }) {
  const ada = await enter(browser, edge, 'ada');
  const grace = await enter(browser, edge, 'grace');
  const linus = await enter(browser, edge, 'linus', FINE_DESK);
  await talk({ ada, grace, linus }, api);

  await linus.type('#text', 'one moment, I am look');
  await seen(ada, '#typing', 'linus is typing');
  await picture(ada, 'demo');
  await linus.type('#text', 'ing at it');
  await setScheme(ada, 'dark');
  await seen(ada, '#typing', 'linus is typing');
  await picture(ada, 'demo-dark');

  await sendTo(linus, 'I have it: the third edge was draining');
  await grace.setViewport(PHONE);
  await seen(grace, '#log', 'draining');
  await picture(grace, 'demo-phone');

  await linus.click('#cut');
  await seen(linus, '[data-fact="reconnects"]', '1');
  await seen(linus, '#status-text', 'connected');
  await picture(linus, 'demo-inspector', '#inspector');
}

/** What is in the pictures. */
async function talk({ ada, grace, linus }, api) {
  await sendTo(ada, 'Good morning! The new build is on staging.');
  await sendTo(ada, 'Could somebody watch the reconnects while I restart the edges?');
  await seen(grace, '#log', 'restart the edges');
  await sendTo(grace, 'Yes. I keep my tab open and count.');
  await seen(linus, '#log', 'count');
  await publish(api, 'demo:lobby', 'deploy: edge 1 of 4 was restarted');
  await publish(api, 'demo:random', 'lunch at noon?');
  await seen(grace, '#log', 'edge 1 of 4');
  await sendTo(grace, 'Nothing lost here: 1 reconnect, all messages there.');
  await seen(linus, '#log', 'Nothing lost');
  await sendTo(linus, 'Same for me, over SSE even.');
  await seen(ada, '#log', 'over SSE');
  await pressButton(grace, '#people', 'ada');
  await sendTo(grace, 'Shall we ship it today?');
  await seen(ada, '#privates', 'grace');
  await pressButton(grace, '#rooms', 'lobby');
}

/** A person of their own: a context shares nothing with another one. */
async function enter(browser, edge, name, viewport = DESK) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  await page.setViewport(viewport);
  await setScheme(page, 'light');
  await page.goto(`${edge}/demo?name=${name}`);
  await seen(page, '#status-text', 'connected');
  await seen(page, '#people', name);
  return page;
}

function setScheme(page, value) {
  return page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value }]);
}

async function sendTo(page, text) {
  await page.$eval('#text', (field) => field.select());
  await page.type('#text', text);
  await page.keyboard.press('Enter');
  await seen(page, '#log', text);
}

async function pressButton(page, list, text) {
  await seen(page, list, text);
  for (const button of await page.$$(`${list} button`)) {
    if (!(await button.evaluate((element) => element.textContent)).includes(text)) continue;
    await button.click();
    return;
  }
  throw new Error(`${list} has no button ${text}`);
}

async function publish(api, channel, data) {
  const answer = await fetch(`${api}/channels/${channel}/messages`, {
    method: 'POST',
    headers: { Authorization: 'Bearer dev-key', 'Content-Type': 'application/json' },
    body: JSON.stringify({ data }),
  });
  if (!answer.ok) throw new Error(`publishing to ${channel}: ${await answer.text()}`);
}

async function seen(page, selector, text) {
  const holds = (where, what) => document.querySelector(where).textContent.includes(what);
  await page.waitForFunction(holds, { timeout: STEP_DEADLINE_MS, polling: 50 }, selector, text);
}

/** @param part what the picture is of; all of the page where it is not given */
async function picture(page, name, part) {
  await page.bringToFront();
  const path = join(FOLDER, `${name}.png`);
  const shown = part ? await page.$(part) : page;
  await shown.screenshot({ path });
  const { size } = statSync(path);
  if (size > PICTURE_MAX_BYTES) throw new Stop(`${name}.png has ${size} bytes: too many.`);
  say(`docs/images/${name}.png: ${Math.round(size / 1_000)} kB`);
}

async function freePort() {
  const server = createServer();
  server.listen({ host: '127.0.0.1', port: 0, exclusive: true });
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

async function within(promise, deadlineMs, what) {
  let timer;
  const deadline = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Stop(`not in ${deadlineMs} ms: ${what}.`)), deadlineMs);
  });
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
